// Amplify v6 in a browser: a sign-in makes a device, and the next one proves it. `page.mjs` bundles this file.
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, fetchDevices, signIn, signOut } from 'aws-amplify/auth';

// Returns the device key of the access token.
async function signInOnce(username, password) {
  const { isSignedIn, nextStep } = await signIn({ username, password });
  if (!isSignedIn) throw new Error(`the next step is ${nextStep.signInStep}`);
  const { tokens } = await fetchAuthSession();
  return tokens.accessToken.payload.device_key;
}

// Signs in twice. Returns the device keys of both sign-ins and of the listed devices.
window.signInTwice = async ({ userPoolId, userPoolClientId, endpoint, username, password }) => {
  Amplify.configure({ Auth: { Cognito: { userPoolId, userPoolClientId, userPoolEndpoint: endpoint } } });
  const first = await signInOnce(username, password);
  await signOut();
  const second = await signInOnce(username, password);
  const listed = (await fetchDevices()).map(({ id }) => id);
  return { first, second, listed };
};
