// Judges a GraphQL schema by npm graphql, and says what is wrong with it, a line each; exit 1 if anything is.
//
// node sdl.mjs breaking RELEASED CURRENT: what would break a client of the released schema.
// node sdl.mjs described CURRENT: what has no description.
import { readFileSync } from 'node:fs';
import { buildSchema, findBreakingChanges, isEnumType, isInputObjectType, isIntrospectionType,
  isSpecifiedScalarType } from 'graphql';

const [command, ...files] = process.argv.slice(2);
const schemas = files.map((file) => buildSchema(readFileSync(file, 'utf8')));

function* undescribed(schema) {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    if (!type.description) yield type.name;
    const members = isEnumType(type) ? type.getValues() : Object.values(type.getFields?.() ?? {});
    for (const member of members) {
      const name = `${type.name}.${member.name}`;
      if (!member.description) yield name;
      if (isInputObjectType(type)) continue;
      for (const argument of member.args ?? []) {
        if (!argument.description) yield `${name}(${argument.name}:)`;
      }
    }
  }
}

const found = command === 'breaking'
  ? findBreakingChanges(...schemas).map((change) => `${change.type}: ${change.description}`)
  : [...undescribed(...schemas)];
for (const line of found) console.log(line);
process.exitCode = found.length ? 1 : 0;
