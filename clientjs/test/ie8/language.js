/**
 * JScript 5.8, the language of Internet Explorer 8, emulated in a modern engine: built-ins that are
 * neither in ES3 nor among IE8's additions (JSON) are removed.
 */
import vm from "node:vm";

const words = (text) => text.trim().split(/\s+/);

const GLOBALS = words(`
  Array Boolean Date Error EvalError Function Infinity JSON Math NaN Number Object RangeError
  ReferenceError RegExp String SyntaxError TypeError URIError decodeURI decodeURIComponent
  encodeURI encodeURIComponent escape eval isFinite isNaN parseFloat parseInt undefined unescape
`);

const MEMBERS = {
  Object: "prototype defineProperty getOwnPropertyDescriptor",
  "Object.prototype": `constructor hasOwnProperty isPrototypeOf propertyIsEnumerable
    toLocaleString toString valueOf`,
  Function: "prototype",
  "Function.prototype": "apply call constructor length prototype toString",
  Array: "prototype",
  "Array.prototype": `concat constructor join length pop push reverse shift slice sort splice
    toLocaleString toString unshift`,
  String: "fromCharCode prototype",
  "String.prototype": `anchor big blink bold charAt charCodeAt concat constructor fixed fontcolor
    fontsize indexOf italics lastIndexOf length link localeCompare match replace search slice
    small split strike sub substr substring sup toLocaleLowerCase toLocaleUpperCase toLowerCase
    toString toUpperCase valueOf`,
  Number: "MAX_VALUE MIN_VALUE NEGATIVE_INFINITY NaN POSITIVE_INFINITY prototype",
  "Number.prototype": `constructor toExponential toFixed toLocaleString toPrecision toString
    valueOf`,
  Date: "UTC parse prototype",
  RegExp: "lastMatch leftContext prototype rightContext $1 $2 $3 $4 $5 $6 $7 $8 $9",
  // IE8 has no flags, but a modern `split` reads them.
  "RegExp.prototype": `compile constructor exec flags global ignoreCase multiline source test
    toString`,
  Math: `E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos asin atan atan2 ceil cos exp floor log
    max min pow random round sin sqrt tan`,
  JSON: "parse stringify",
  Error: "prototype",
};

// Runs inside the context whose built-ins it removes, so it uses only plain loops. Symbol keys stay:
// the engine needs them, and no code in the context can name them any more.
const IMPOVERISH = `(function (globals, members) {
  var nameOf = Object.getOwnPropertyNames;
  var drop = Reflect.deleteProperty;
  var root = globalThis;
  function keepOnly(object, kept) {
    var names = nameOf(object);
    for (var i = 0; i < names.length; i++) {
      if (kept.indexOf(names[i]) < 0) drop(object, names[i]);
    }
  }
  Object.defineProperty = Object.getOwnPropertyDescriptor = function () {
    throw new TypeError("Object doesn't support this action"); // but for elements
  };
  for (var path in members) {
    var parts = path.split(".");
    keepOnly(parts[1] ? root[parts[0]].prototype : root[path], members[path]);
  }
  drop(Date.prototype, "toISOString");
  drop(Date.prototype, "toJSON");
  keepOnly(root, globals);
})`;

// Bugs of IE8 with which the client must cope.
const MISTAKES = `
  (function () {
    var substr = String.prototype.substr;
    String.prototype.substr = function (start, length) {
      return substr.call(this, start < 0 ? 0 : start, length === undefined ? this.length : length);
    };
    var splice = Array.prototype.splice;
    Array.prototype.splice = function (start, count) {
      return arguments.length === 1 ? [] : splice.apply(this, arguments);
    };
  })();
`;

/**
 * Make a context with IE8's language and these properties of its window.
 *
 * @param {object} host  window's properties, on the window itself
 */
export function speakJScript(host) {
  const context = vm.createContext(host);
  const members = Object.fromEntries(
    Object.entries(MEMBERS).map(([path, names]) => [path, words(names)]),
  );
  const globals = [...GLOBALS, ...Object.keys(host)];
  const impoverish = vm.runInContext(IMPOVERISH, context);
  impoverish(globals, members);
  vm.runInContext(MISTAKES, context);
  return (code, filename) => vm.runInContext(code, context, { filename });
}
