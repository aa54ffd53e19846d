// Prints what a GraphQL subscription delivers, one JSON object a line, by npm graphql-ws.
//
// node subscribe.mjs URL TOKEN QUERY [COUNT]: ends after COUNT results, or never; exit 1 on an error.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, query, count = 'Infinity'] = process.argv.slice(2);
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  connectionParams: { authorization: `Bearer ${token}` },
});
try {
  let left = Number(count);
  for await (const result of client.iterate({ query })) {
    console.log(JSON.stringify(result));
    left -= 1;
    if (result.errors || left <= 0) break;
  }
} catch (error) {
  // A list of GraphQL errors, or the close event of the socket.
  console.error(error.code ? `closed: ${error.code} ${error.reason}` : error);
  process.exitCode = 1;
}
await client.dispose();
