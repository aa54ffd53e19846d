// Runs the audits of npm graphql-http against a GraphQL server and prints each by its name.
//
// node audit.mjs URL [TOKEN]: as the bearer of the token, or as nobody; exit 1 if one does not pass.
import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const fetchFn = (input, init = {}) => {
  const headers = new Headers(init.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  return fetch(input, { ...init, headers });
};
const audits = serverAudits({ url, fetchFn });
let passed = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') passed += 1;
  else process.exitCode = 1;
  console.log(`${result.status} ${audit.id} ${audit.name}${result.reason ? `: ${result.reason}` : ''}`);
}
console.log(`${passed} of ${audits.length} audits passed`);
