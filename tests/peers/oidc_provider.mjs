// A site's identity provider, by the npm package oidc-provider with its own pages for login, consent and logout.
// Usage: node oidc_provider.mjs FOLDER PORT CLIENT_ID SECRET REDIRECT_URI LOGGED_OUT_URI
// FOLDER is where npm installed it. Who logs in is called what they type; groups are known to `userinfo` alone.
import { pathToFileURL } from 'node:url';

const [folder, port, id, secret, redirectUri, loggedOutUri] = process.argv.slice(2);
const module = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));

const groups = { anna: ['staff', 'cxr-readers'] };
const provider = new module.default(`http://localhost:${port}`, {
  clients: [{
    client_id: id,
    client_secret: secret,
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [loggedOutUri],
  }],
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
  cookies: { keys: ['for an hour of tests'] },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub, groups: groups[sub] ?? ['staff'] }),
  }),
});
provider.listen(Number(port), '127.0.0.1');
