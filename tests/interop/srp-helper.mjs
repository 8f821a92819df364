// cognito-srp-helper and the AWS SDK sign in to a pool that poolproof serves, with remembered devices.
// Usage: node srp-helper.mjs ENDPOINT HANDSHAKES
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

// `import` does not search NODE_PATH; `require` does.
const require = createRequire(import.meta.url);
const srp = require('cognito-srp-helper');
const aws = require('@aws-sdk/client-cognito-identity-provider');

const [endpoint, handshakes] = [process.argv[2], Number(process.argv[3])];
const PASSWORD = 'Correct-Horse-1';
const USERNAME = 'sam';

const sdk = new aws.CognitoIdentityProviderClient({
  endpoint, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
});
const call = (operation, input) => sdk.send(new aws[`${operation}Command`](input));

// Makes a pool that always remembers devices, with one user and a client that has a secret.
async function makePool() {
  const { UserPool } = await call('CreateUserPool', {
    PoolName: 'srp-helper',
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: false },
  });
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: UserPool.Id, ClientName: 'app', GenerateSecret: true,
  });
  const user = { UserPoolId: UserPool.Id, Username: USERNAME };
  await call('AdminCreateUser', { ...user, MessageAction: 'SUPPRESS' });
  await call('AdminSetUserPassword', { ...user, Password: PASSWORD, Permanent: true });
  return {
    poolId: UserPool.Id,
    clientId: UserPoolClient.ClientId,
    secretHash: srp.createSecretHash(USERNAME, UserPoolClient.ClientId, UserPoolClient.ClientSecret),
  };
}

// Signs in with the password and, if there is one, the device, as the README of cognito-srp-helper does.
async function signIn({ poolId, clientId, secretHash }, isHashed, device) {
  const password = isHashed ? srp.createPasswordHash(USERNAME, PASSWORD, poolId) : PASSWORD;
  const session = srp.createSrpSession(USERNAME, password, poolId, isHashed);
  const named = { USERNAME, SECRET_HASH: secretHash, ...(device && { DEVICE_KEY: device.key }) };
  const respond = (signed, ChallengeName, { Session }) =>
    call('RespondToAuthChallenge', srp.wrapAuthChallenge(signed, {
      ClientId: clientId, ChallengeName, ChallengeResponses: named, Session,
    }));

  const initiated = await call('InitiateAuth', srp.wrapInitiateAuth(session, {
    ClientId: clientId,
    AuthFlow: 'USER_SRP_AUTH',
    AuthParameters: { CHALLENGE_NAME: 'SRP_A', ...named },
  }));
  assert.equal(initiated.ChallengeName, 'PASSWORD_VERIFIER');
  const signed = srp.signSrpSession(session, initiated);
  const verified = await respond(signed, 'PASSWORD_VERIFIER', initiated);
  if (!device) return verified;

  assert.equal(verified.ChallengeName, 'DEVICE_SRP_AUTH');
  const asked = await respond(signed, 'DEVICE_SRP_AUTH', verified);
  assert.equal(asked.ChallengeName, 'DEVICE_PASSWORD_VERIFIER');
  assert.equal(asked.ChallengeParameters.DEVICE_KEY, device.key);
  const signedByDevice = srp.signSrpSessionWithDevice(session, asked, device.group, device.password);
  return respond(signedByDevice, 'DEVICE_PASSWORD_VERIFIER', asked);
}

// Confirms the device of a sign-in. Returns what the next sign-in needs.
async function confirmDevice({ AuthenticationResult }) {
  const { AccessToken, NewDeviceMetadata } = AuthenticationResult;
  const { DeviceKey, DeviceGroupKey } = NewDeviceMetadata;
  const verifier = srp.createDeviceVerifier(DeviceKey, DeviceGroupKey);
  const confirmed = await call('ConfirmDevice', {
    AccessToken,
    DeviceKey,
    DeviceName: 'poolproof-interop',
    DeviceSecretVerifierConfig: verifier.DeviceSecretVerifierConfig,
  });
  assert.equal(confirmed.UserConfirmationNecessary, false);
  return { key: DeviceKey, group: DeviceGroupKey, password: verifier.DeviceRandomPassword };
}

function deviceKey({ AuthenticationResult }) {
  const payload = AuthenticationResult.AccessToken.split('.')[1];
  return JSON.parse(Buffer.from(payload, 'base64url')).device_key;
}

const pool = await makePool();
for (let index = 0; index < handshakes; index += 1) {
  // The hash of the password can be made before or inside the session.
  const isHashed = index % 2 === 0;
  const device = await confirmDevice(await signIn(pool, isHashed));
  const again = await signIn(pool, isHashed, device);
  assert.equal(deviceKey(again), device.key);
  assert.equal(again.AuthenticationResult.NewDeviceMetadata, undefined);
  await call('ForgetDevice', { AccessToken: again.AuthenticationResult.AccessToken, DeviceKey: device.key });
}
console.log(`${handshakes} device handshakes`);
