/**
 * The small script is for browsers of 2017 and later. The source is ES5, because sockgate-full.js is
 * built from it, too; here it becomes classes, arrow functions and short names, which are smaller.
 */
import { parse } from "acorn";
import MagicString from "magic-string";
import { minify } from "terser";

/** Turn a constructor and the functions on its prototype into a class. */
export const classes = {
  name: "classes",
  transform(code, id) {
    if (!id.includes("/src/")) return null;
    const { body } = parse(code, { ecmaVersion: 2018, sourceType: "module" });
    const text = new MagicString(code);
    const methods = body.map(methodOf).filter(Boolean);
    for (const statement of body) {
      const declared = statement.declaration ?? statement;
      const own = methods.filter(({ of }) => of === declared.id?.name);
      if (declared.type !== "FunctionDeclaration" || !own.length) continue;
      text.overwrite(declared.start, declared.id.end, `class ${declared.id.name} {\nconstructor`);
      for (const { name, value, statement: from } of own) {
        const parameters = code.indexOf("(", value.start);
        text.overwrite(from.start, parameters, `\n${name}`);
        text.overwrite(value.end, from.end, from === lastOf(own).statement ? "\n}\n" : "\n");
        text.move(from.start, from.end, declared.end);
      }
    }
    return { code: text.toString(), map: text.generateMap({ hires: true }) };
  },
};

const lastOf = (list) => list[list.length - 1];

/** `Name.prototype.name = function …` */
function methodOf(statement) {
  const { left, right } = statement.expression ?? {};
  const isMethod = right?.type === "FunctionExpression" && left.object?.property?.name === "prototype";
  return isMethod ? { of: left.object.object.name, name: left.property.name, value: right, statement } : null;
}

/** Leave out what only old browsers need. */
export const forModernBrowsers = {
  name: "for-modern-browsers",
  transform: (code, id) => (id.endsWith("/src/base/age.js") ? { code: code.replace("true", "false"), map: null } : null),
};

/** @param {RegExp} internal  names of properties to shorten */
export const smallest = (internal) => ({
  name: "smallest",
  async renderChunk(code) {
    const { code: small, map } = await minify(code, {
      ecma: 2017,
      compress: {
        ecma: 2017,
        passes: 4,
        keep_fargs: false,
        pure_getters: true,
        inline: 2,
        lhs_constants: false,
        unsafe: true,
        unsafe_arrows: true,
        unsafe_methods: true,
      },
      mangle: { properties: { regex: internal, builtins: true } },
      format: { ecma: 2017, comments: /^!/ },
      sourceMap: true,
    });
    return { code: small, map };
  },
});
