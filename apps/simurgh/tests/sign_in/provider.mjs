// npm's oidc-provider for a test: signs anybody in, and says something wrong in its
// tokens if it is told to, signed with its key all the same. Prints its address when it
// listens.

import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createPrivateKey, createSign } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const [modules, folder, redirect, wrong, port] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
// Node stands still now and then if it makes a key itself: it waits for a lock of its
// own when it collects what made the key while the key is exported.
const generate = ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
const privateKey = createPrivateKey(execFileSync('openssl', generate, { stdio: ['ignore', 'pipe', 'ignore'] }));
const jwk = { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'test', alg: 'RS256' };

// What is wrong is put into the provider's own token, and signed again.
const tamper = (token) => {
  const [header, payload, signature] = token.split('.');
  if (wrong === 'signature') {
    const last = signature[0] === 'A' ? 'B' : 'A';
    return `${header}.${payload}.${last}${signature.slice(1)}`;
  }
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  if (wrong === 'nonce') claims.nonce = 'another';
  if (wrong === 'audience') claims.aud = 'other';
  if (wrong === 'expired') claims.exp = Math.floor(Date.now() / 1000) - 120;
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${signed}.${createSign('sha256').update(signed).sign(privateKey, 'base64url')}`;
};

const server = createServer({
  key: readFileSync(`${folder}/provider.key.pem`),
  cert: readFileSync(`${folder}/provider.pem`),
});
server.listen(Number(port), '127.0.0.1', () => {
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    clients: [{
      client_id: 'simurgh',
      redirect_uris: [redirect],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['test'] },
    findAccount: async (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, email: id, email_verified: true }),
    }),
  });
  provider.use(async (context, next) => {
    await next();
    if (wrong !== 'nothing' && context.body?.id_token) {
      context.body = { ...context.body, id_token: tamper(context.body.id_token) };
    }
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
