// Amplify v6 signs in to a pool that poolproof serves, with TOTP and remembered devices.
// Usage: node amplify.mjs ENDPOINT HANDSHAKES
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';

// `import` does not search NODE_PATH; `require` does.
const require = createRequire(import.meta.url);
const { Amplify } = require('aws-amplify');
const auth = require('aws-amplify/auth');
const { cognitoUserPoolsTokenProvider } = require('aws-amplify/auth/cognito');
const aws = require('@aws-sdk/client-cognito-identity-provider');

const [endpoint, handshakes] = [process.argv[2], Number(process.argv[3])];
const PASSWORD = 'Correct-Horse-1';

// Amplify reads the device's name from the browser. Without it, Amplify ignores the error and does not
// confirm the device.
globalThis.navigator ??= { userAgent: 'poolproof-interop' };

const sdk = new aws.CognitoIdentityProviderClient({
  endpoint, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
});
const admin = (operation, input) => sdk.send(new aws[`${operation}Command`](input));

// The calls that Amplify made since the last `takeCalls`. Amplify does not report every failed call.
let calls = [];
const send = globalThis.fetch;
globalThis.fetch = async (url, init) => {
  const response = await send(url, init);
  const operation = init.headers['x-amz-target'].split('.')[1];
  calls.push({ operation, status: response.status, request: JSON.parse(init.body) });
  return response;
};
function takeCalls() {
  const taken = calls;
  calls = [];
  return taken;
}

// Stands in for the browser's storage.
class MemoryStorage {
  #items = new Map();
  async setItem(key, value) { this.#items.set(key, value); }
  async getItem(key) { return this.#items.get(key) ?? null; }
  async removeItem(key) { this.#items.delete(key); }
  async clear() { this.#items.clear(); }
}
const useNewStorage = () => cognitoUserPoolsTokenProvider.setKeyValueStorage(new MemoryStorage());

// Makes a pool that always remembers devices, and configures Amplify to use it.
async function makePool(name) {
  const { UserPool } = await admin('CreateUserPool', {
    PoolName: name,
    AliasAttributes: ['email'],
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: false },
  });
  await admin('SetUserPoolMfaConfig', {
    UserPoolId: UserPool.Id, MfaConfiguration: 'OPTIONAL', SoftwareTokenMfaConfiguration: { Enabled: true },
  });
  const { UserPoolClient } = await admin('CreateUserPoolClient', {
    UserPoolId: UserPool.Id, ClientName: 'app',
  });
  Amplify.configure({
    Auth: {
      Cognito: {
        userPoolId: UserPool.Id, userPoolClientId: UserPoolClient.ClientId, userPoolEndpoint: endpoint,
      },
    },
  });
  return UserPool.Id;
}

async function addUser(UserPoolId, Username) {
  await admin('AdminCreateUser', {
    UserPoolId,
    Username,
    UserAttributes: [
      { Name: 'email', Value: `${Username}@example.com` },
      { Name: 'email_verified', Value: 'true' },
    ],
    MessageAction: 'SUPPRESS',
  });
  await admin('AdminSetUserPassword', { UserPoolId, Username, Password: PASSWORD, Permanent: true });
}

// RFC 6238 with Cognito's parameters: SHA-1, 30 seconds, six digits.
function totp(base32, step) {
  const bits = [...base32.replace(/=+$/, '')].map((character) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac('sha1', secret).update(counter).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

// Registers TOTP as the user's second factor. Returns the secret and the time step of the code it used.
async function registerTotp(username) {
  useNewStorage();
  await signIn(username);
  const { sharedSecret } = await auth.setUpTOTP();
  const step = Math.floor(Date.now() / 30_000);
  await auth.verifyTOTPSetup({ code: totp(sharedSecret, step) });
  await auth.updateMFAPreference({ totp: 'PREFERRED' });
  await auth.signOut();
  return { sharedSecret, step };
}

// Signs in without a second factor. Returns the calls and the device key of the access token.
async function signIn(username) {
  takeCalls();
  const { isSignedIn, nextStep } = await auth.signIn({ username, password: PASSWORD });
  assert.deepEqual([isSignedIn, nextStep.signInStep], [true, 'DONE']);
  return signedIn();
}

// Ends a sign-in, in which every call succeeded.
async function signedIn() {
  const made = takeCalls();
  assert.deepEqual(made.filter(({ status }) => status !== 200), []);
  return { calls: made, deviceKey: await deviceKey() };
}

async function deviceKey() {
  const { tokens } = await auth.fetchAuthSession();
  return tokens.accessToken.payload.device_key;
}

// The challenges that were answered and the other operations, without the look-up after each sign-in.
function steps(made) {
  const names = made.map(({ operation, request }) => request.ChallengeName ?? operation);
  return names.filter((name) => name !== 'GetUser');
}
const NEW_DEVICE = ['InitiateAuth', 'PASSWORD_VERIFIER', 'ConfirmDevice'];
const MFA_AND_NEW_DEVICE = ['InitiateAuth', 'PASSWORD_VERIFIER', 'SOFTWARE_TOKEN_MFA', 'ConfirmDevice'];
const KNOWN_DEVICE = ['InitiateAuth', 'PASSWORD_VERIFIER', 'DEVICE_SRP_AUTH', 'DEVICE_PASSWORD_VERIFIER'];

// Signs in with a device that the storage has and the server remembers.
async function signInWithDevice(username, key) {
  const { calls: made, deviceKey: actual } = await signIn(username);
  assert.deepEqual(steps(made), KNOWN_DEVICE);
  const keys = made.slice(1, 4).map(({ request }) => request.ChallengeResponses.DEVICE_KEY);
  assert.deepEqual(keys, [key, key, key]);
  assert.equal(actual, key);
}

// Signs in with a second factor and a new device.
async function signInWithTotp(username, code) {
  takeCalls();
  const { nextStep } = await auth.signIn({ username, password: PASSWORD });
  assert.equal(nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
  const { isSignedIn } = await auth.confirmSignIn({ challengeResponse: code });
  assert.equal(isSignedIn, true);
  const { calls: made, deviceKey: key } = await signedIn();
  assert.deepEqual(steps(made), MFA_AND_NEW_DEVICE);
  return { deviceKey: key };
}

const scenes = {
  async 'the device replaces TOTP'() {
    const pool = await makePool('amplify-mfa');
    await addUser(pool, 'amy');
    const { sharedSecret, step } = await registerTotp('amy');
    useNewStorage();
    const first = await signInWithTotp('amy', totp(sharedSecret, step + 1));
    const devices = await auth.fetchDevices();
    assert.ok(devices.some(({ id }) => id === first.deviceKey));
    for (let time = 0; time < 2; time += 1) {
      await auth.signOut();
      await signInWithDevice('amy', first.deviceKey);
    }
    await auth.signOut();
  },

  // Amplify stores the device under the user name of the token and looks it up under that of the challenge.
  async 'the device is found for an e-mail address and for the user name'() {
    const pool = await makePool('amplify-alias');
    await addUser(pool, 'ann');
    const { sharedSecret, step } = await registerTotp('ann');
    useNewStorage();
    const first = await signInWithTotp('ann@example.com', totp(sharedSecret, step + 1));
    for (const name of ['ann@example.com', 'ann']) {
      await auth.signOut();
      await signInWithDevice(name, first.deviceKey);
    }
    await auth.signOut();
  },

  async 'forgotten on the server'() {
    const pool = await makePool('amplify-forgotten');
    await addUser(pool, 'ben');
    useNewStorage();
    const { deviceKey: key } = await signIn('ben');
    await auth.signOut();
    await admin('AdminForgetDevice', { UserPoolId: pool, Username: 'ben', DeviceKey: key });
    takeCalls();
    // The server answers that the device does not exist. Amplify repeats the answer without it.
    const { isSignedIn } = await auth.signIn({ username: 'ben', password: PASSWORD });
    assert.equal(isSignedIn, true);
    const made = takeCalls();
    assert.deepEqual(steps(made.filter(({ status }) => status !== 200)), ['PASSWORD_VERIFIER']);
    const [initiate, verify, confirm] = NEW_DEVICE;
    assert.deepEqual(steps(made), [initiate, verify, verify, confirm]);
    assert.notEqual(await deviceKey(), key);
    await auth.signOut();
  },

  // Every handshake has a new device, so that salt, verifier and password differ too.
  async 'device handshakes'() {
    const pool = await makePool('amplify-handshakes');
    await addUser(pool, 'cat');
    for (let index = 0; index < handshakes; index += 1) {
      useNewStorage();
      const { calls: made, deviceKey: key } = await signIn('cat');
      assert.deepEqual(steps(made), NEW_DEVICE);
      await auth.signOut();
      await signInWithDevice('cat', key);
      await auth.forgetDevice();
      await auth.signOut();
    }
  },
};

for (const [name, scene] of Object.entries(scenes)) {
  await scene();
  console.log(`ok ${name}`);
}
console.log(`${Object.keys(scenes).length} scenes, ${handshakes} device handshakes`);
