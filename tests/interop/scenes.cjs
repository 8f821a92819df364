// amazon-cognito-identity-js signs in to a pool that poolproof serves: the scenes of SEMANTICS a.
// Usage: node scenes.cjs ENDPOINT HANDSHAKES
'use strict';

const assert = require('node:assert/strict');
const cognito = require('amazon-cognito-identity-js');

const [endpoint, handshakes] = [process.argv[2], Number(process.argv[3])];
const PASSWORD = 'Correct-Horse-1';

// Administration, as any client without an SDK would do it.
async function admin(operation, body) {
  const answer = await fetch(`${endpoint}/`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify(body),
  });
  const reply = await answer.json();
  assert.equal(answer.status, 200, `${operation}: ${JSON.stringify(reply)}`);
  return reply;
}

async function code(name) {
  const { messages } = await (await fetch(`${endpoint}/outbox?username=${name}`)).json();
  return messages.at(-1).code;
}

// What a browser would keep.
class Memory {
  #kept = new Map();
  setItem(key, value) { this.#kept.set(key, value); return value; }
  getItem(key) { return this.#kept.get(key) ?? null; }
  removeItem(key) { return this.#kept.delete(key); }
  clear() { this.#kept.clear(); }
}

async function makePool(name, devices, mfa = 'OFF') {
  const { UserPool } = await admin('CreateUserPool', {
    PoolName: name, DeviceConfiguration: devices, MfaConfiguration: mfa,
    SmsConfiguration: { SnsCallerArn: 'arn:aws:iam::000000000000:role/sms' },
  });
  if (mfa !== 'OFF') {
    await admin('SetUserPoolMfaConfig', {
      UserPoolId: UserPool.Id, MfaConfiguration: mfa, SoftwareTokenMfaConfiguration: { Enabled: true },
      SmsMfaConfiguration: { SmsConfiguration: { SnsCallerArn: 'arn:aws:iam::000000000000:role/sms' } },
    });
  }
  const { UserPoolClient } = await admin('CreateUserPoolClient', { UserPoolId: UserPool.Id, ClientName: 'app' });
  return { UserPoolId: UserPool.Id, ClientId: UserPoolClient.ClientId };
}

async function addUser({ UserPoolId }, name, phone) {
  const UserAttributes = [{ Name: 'email', Value: `${name}@example.com` }];
  if (phone) UserAttributes.push({ Name: 'phone_number', Value: phone });
  await admin('AdminCreateUser', { UserPoolId, Username: name, UserAttributes, MessageAction: 'SUPPRESS' });
  await admin('AdminSetUserPassword', { UserPoolId, Username: name, Password: PASSWORD, Permanent: true });
  if (phone) {
    await admin('AdminSetUserMFAPreference', {
      UserPoolId, Username: name, SMSMfaSettings: { Enabled: true, PreferredMfa: true },
    });
  }
}

function userOf(pool, name, Storage) {
  const Pool = new cognito.CognitoUserPool({ ...pool, endpoint: `${endpoint}/`, Storage });
  return new cognito.CognitoUser({ Username: name, Pool, Storage });
}

// Signs in. Resolves to the number of MFA challenges, the session and whether the user must opt in.
function signIn(user, name, password = PASSWORD) {
  const details = new cognito.AuthenticationDetails({ Username: name, Password: password });
  const counts = { mfa: 0 };
  return new Promise((resolve, reject) => {
    const callbacks = {
      onSuccess: (session, optIn) => resolve({ ...counts, session, optIn }),
      onFailure: reject,
      mfaRequired: async () => {
        counts.mfa += 1;
        user.sendMFACode(await code(name), callbacks);
      },
    };
    user.authenticateUser(details, callbacks);
  });
}

const called = (user, operation, ...before) => new Promise((resolve, reject) => {
  user[operation](...before, { onSuccess: resolve, onFailure: reject });
});

const deviceKey = ({ session }) => session.getAccessToken().decodePayload().device_key;
const ALWAYS = { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: false };
const ALWAYS_WITH_MFA = { ChallengeRequiredOnNewDevice: false, DeviceOnlyRememberedOnUserPrompt: false };
const OPT_IN = { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true };

const scenes = {
  async 'new and remembered'() {
    const [pool, storage] = [await makePool('js-always', ALWAYS), new Memory()];
    await addUser(pool, 'jo');
    const first = await signIn(userOf(pool, 'jo', storage), 'jo');
    const user = userOf(pool, 'jo', storage);
    const second = await signIn(user, 'jo');
    assert.equal(deviceKey(second), deviceKey(first), 'the same device');
    const { Devices } = await called(user, 'listDevices', 10, null);
    assert.deepEqual(Devices.map((device) => device.DeviceKey), [deviceKey(first)]);
    user.getCachedDeviceKeyAndPassword();
    await called(user, 'getDevice');
  },

  async 'wrong password'() {
    const [pool, storage] = [await makePool('js-wrong', ALWAYS), new Memory()];
    await addUser(pool, 'jo');
    await assert.rejects(signIn(userOf(pool, 'jo', storage), 'jo', 'Wrong-Horse-1'), {
      code: 'NotAuthorizedException', message: 'Incorrect username or password.',
    });
  },

  async 'MFA suppressed by the device'() {
    const [pool, storage] = [await makePool('js-suppressed', ALWAYS, 'OPTIONAL'), new Memory()];
    await addUser(pool, 'kim', '+15550101');
    assert.equal((await signIn(userOf(pool, 'kim', storage), 'kim')).mfa, 1);
    assert.equal((await signIn(userOf(pool, 'kim', storage), 'kim')).mfa, 0);
  },

  async 'MFA, then the device'() {
    const [pool, storage] = [await makePool('js-both', ALWAYS_WITH_MFA, 'OPTIONAL'), new Memory()];
    await addUser(pool, 'lee', '+15550102');
    const first = await signIn(userOf(pool, 'lee', storage), 'lee');
    const second = await signIn(userOf(pool, 'lee', storage), 'lee');
    assert.deepEqual([first.mfa, second.mfa], [1, 1]);
    assert.equal(deviceKey(second), deviceKey(first));
  },

  async 'opt in'() {
    const [pool, storage] = [await makePool('js-opt-in', OPT_IN), new Memory()];
    await addUser(pool, 'max');
    const user = userOf(pool, 'max', storage);
    const first = await signIn(user, 'max');
    assert.equal(first.optIn, true, 'the user must confirm');
    assert.equal((await called(user, 'listDevices', 10, null)).Devices.length, 0);
    await called(user, 'setDeviceStatusRemembered');
    assert.equal((await called(user, 'listDevices', 10, null)).Devices.length, 1);
    assert.equal(deviceKey(await signIn(userOf(pool, 'max', storage), 'max')), deviceKey(first));
  },

  async 'forgotten on the server'() {
    const [pool, storage] = [await makePool('js-forgotten', ALWAYS), new Memory()];
    await addUser(pool, 'noa');
    const first = await signIn(userOf(pool, 'noa', storage), 'noa');
    await admin('AdminForgetDevice', {
      UserPoolId: pool.UserPoolId, Username: 'noa', DeviceKey: deviceKey(first),
    });
    // The client hears that there is no such device, sends the same claim without it, and gets another.
    const second = await signIn(userOf(pool, 'noa', storage), 'noa');
    assert.notEqual(deviceKey(second), deviceKey(first));
  },

  async 'refresh'() {
    const [pool, storage] = [await makePool('js-refresh', ALWAYS), new Memory()];
    await addUser(pool, 'ola');
    const user = userOf(pool, 'ola', storage);
    const { session } = await signIn(user, 'ola');
    const fresh = await new Promise((resolve, reject) => {
      user.refreshSession(session.getRefreshToken(), (error, renewed) => (error ? reject(error) : resolve(renewed)));
    });
    const [before, after] = [session, fresh].map((one) => one.getAccessToken().decodePayload());
    assert.equal(after.auth_time, before.auth_time);
    assert.notEqual(after.jti, before.jti);
    await called(user, 'globalSignOut');
  },

  async 'device handshakes'() {
    const pool = await makePool('js-handshakes', ALWAYS);
    await addUser(pool, 'pat');
    for (let at = 0; at < handshakes; at += 1) {
      const storage = new Memory();
      const first = await signIn(userOf(pool, 'pat', storage), 'pat');
      const user = userOf(pool, 'pat', storage);
      assert.equal(deviceKey(await signIn(user, 'pat')), deviceKey(first));
      user.getCachedDeviceKeyAndPassword();
      await called(user, 'forgetDevice');
    }
  },
};

(async () => {
  for (const [name, scene] of Object.entries(scenes)) {
    await scene();
    console.log(`ok ${name}`);
  }
  console.log(`${Object.keys(scenes).length} scenes, ${handshakes} device handshakes`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
