// Prints what a GraphQL subscription delivers, one JSON object a line.
//
// node subscribe.mjs URL TOKEN QUERY [COUNT] [VARIABLES]: ends after COUNT results (default: never).
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, query, count = 'Infinity', variables = '{}'] = process.argv.slice(2);
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  connectionParams: { authorization: `Bearer ${token}` },
});
let left = Number(count);
for await (const result of client.iterate({ query, variables: JSON.parse(variables) })) {
  console.log(JSON.stringify(result));
  left -= 1;
  if (result.errors || left <= 0) break;
}
await client.dispose();
