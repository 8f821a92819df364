// aws-jwt-verify accepts the tokens of a pool that poolproof serves with `--issuer aws`, with the server's keys.
// Usage: node jwt-verify.mjs ENDPOINT HANDSHAKES (not used)
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

// `import` does not search NODE_PATH; `require` does.
const require = createRequire(import.meta.url);
const { CognitoJwtVerifier } = require('aws-jwt-verify');
const aws = require('@aws-sdk/client-cognito-identity-provider');

const endpoint = process.argv[2];
const PASSWORD = 'Correct-Horse-1';

const sdk = new aws.CognitoIdentityProviderClient({
  endpoint, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
});
const call = (operation, input) => sdk.send(new aws[`${operation}Command`](input));

// Makes a pool with one user. Returns the user's tokens.
async function signIn() {
  const { UserPool } = await call('CreateUserPool', { PoolName: 'jwt' });
  const { UserPoolClient } = await call('CreateUserPoolClient', {
    UserPoolId: UserPool.Id, ClientName: 'app', ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'],
  });
  const user = { UserPoolId: UserPool.Id, Username: 'joe' };
  await call('AdminCreateUser', { ...user, MessageAction: 'SUPPRESS' });
  await call('AdminSetUserPassword', { ...user, Password: PASSWORD, Permanent: true });
  const { AuthenticationResult } = await call('InitiateAuth', {
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: UserPoolClient.ClientId,
    AuthParameters: { USERNAME: 'joe', PASSWORD },
  });
  return { poolId: UserPool.Id, clientId: UserPoolClient.ClientId, tokens: AuthenticationResult };
}

const { poolId, clientId, tokens } = await signIn();
const keys = await (await fetch(`${endpoint}/${poolId}/.well-known/jwks.json`)).json();
for (const [tokenUse, token] of [['access', tokens.AccessToken], ['id', tokens.IdToken]]) {
  // The verifier derives the issuer from the pool id. The keys are given, so that it asks no server for them.
  const verifier = CognitoJwtVerifier.create({ userPoolId: poolId, clientId, tokenUse });
  verifier.cacheJwks(keys);
  const claims = await verifier.verify(token);
  assert.equal(claims.iss, `https://cognito-idp.us-east-1.amazonaws.com/${poolId}`);
  assert.equal(claims.token_use, tokenUse);
  // A pool of another region has another issuer.
  const other = CognitoJwtVerifier.create({ userPoolId: poolId.replace('us-east-1', 'eu-west-1'), clientId, tokenUse });
  other.cacheJwks(keys);
  await assert.rejects(other.verify(token), /issuer not configured/);
}
// The server accepts its own access token.
const { Username } = await call('GetUser', { AccessToken: tokens.AccessToken });
assert.equal(Username, 'joe');
console.log('2 tokens verified');
