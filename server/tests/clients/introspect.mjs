// Reads a server's schema as code generators do, by npm graphql, and prints how many types it has.
//
// node introspect.mjs URL TOKEN
import { buildClientSchema, getIntrospectionQuery } from 'graphql';

const [url, token] = process.argv.slice(2);
const query = getIntrospectionQuery({
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true,
  inputValueDeprecation: true,
});
const answer = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  body: JSON.stringify({ query }),
});
const { data, errors } = await answer.json();
if (errors) throw new Error(JSON.stringify(errors));
console.log(Object.keys(buildClientSchema(data).getTypeMap()).length);
