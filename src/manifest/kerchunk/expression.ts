/**
 * The expressions between `{{` and `}}` of Kerchunk's templates: the part of Jinja2 that the specification uses:
 * names, integers, strings, `+ - * / // % **` and calls of templates with named arguments.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

export type Value = number | string;

/** What names stand for. */
export interface Scope {
  variable(name: string): Value | undefined;
  /** A template called with named arguments. */
  call(name: string, parameters: ReadonlyMap<string, Value>): string | undefined;
}

const TOKEN = /\s*(\d+(?:\.\d+)?|[A-Za-z_]\w*|'[^']*'|"[^"]*"|\*\*|\/\/|[-+*/%(),=])/y;
const MAXIMUM_DEPTH = 50;

/** Evaluates an expression. Errors: `InvalidMetadata`. */
export function evaluate(expression: string, scope: Scope): Value {
  const parser = new Parser(tokensOf(expression), expression, scope);
  return parser.whole();
}

function refuse(expression: string, why: string): MoraineError {
  return new MoraineError("InvalidMetadata", `template expression "${expression}": ${why}`);
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = expression.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(expression);
    if (match?.[1] === undefined) throw refuse(expression, "it cannot be understood here");
    tokens.push(match[1]);
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly string[];
  readonly #expression: string;
  readonly #scope: Scope;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[], expression: string, scope: Scope) {
    this.#tokens = tokens;
    this.#expression = expression;
    this.#scope = scope;
  }

  whole(): Value {
    const value = this.#sum();
    if (this.#at < this.#tokens.length) throw this.#refuse(`"${this.#tokens[this.#at]}" is one too many`);
    return value;
  }

  #refuse(why: string): MoraineError {
    return refuse(this.#expression, why);
  }

  #accept(...wanted: readonly string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || !wanted.includes(token)) return undefined;
    this.#at += 1;
    return token;
  }

  #expect(wanted: string): void {
    if (this.#accept(wanted) === undefined) throw this.#refuse(`"${wanted}" is missing`);
  }

  #sum(): Value {
    let left = this.#product();
    for (let sign = this.#accept("+", "-"); sign; sign = this.#accept("+", "-")) {
      const right = this.#product();
      if (sign === "+" && typeof left === "string" && typeof right === "string") left += right;
      else
        left =
          sign === "+" ? this.#number(left) + this.#number(right) : this.#number(left) - this.#number(right);
    }
    return left;
  }

  #product(): Value {
    let left = this.#unary();
    for (let sign = this.#accept("*", "/", "//", "%"); sign; sign = this.#accept("*", "/", "//", "%")) {
      const right = this.#unary();
      if (sign === "%" && typeof left === "string") {
        left = this.#format(left, right);
        continue;
      }
      const [a, b] = [this.#number(left), this.#number(right)];
      if (sign === "*") left = a * b;
      else if (b === 0) throw this.#refuse("a division by zero");
      else if (sign === "/") left = a / b;
      else if (sign === "//") left = Math.floor(a / b);
      else left = a - b * Math.floor(a / b);
    }
    return left;
  }

  #unary(): Value {
    if (this.#accept("-")) return -this.#number(this.#unary());
    const base = this.#operand();
    return this.#accept("**") ? this.#number(base) ** this.#number(this.#unary()) : base;
  }

  #operand(): Value {
    this.#depth += 1;
    if (this.#depth > MAXIMUM_DEPTH) throw this.#refuse("it is nested too deep");
    try {
      if (this.#accept("(")) {
        const value = this.#sum();
        this.#expect(")");
        return value;
      }
      const token = this.#tokens[this.#at++];
      if (token === undefined) throw this.#refuse("it ends too early");
      if (/^\d/.test(token)) return Number(token);
      if (/^['"]/.test(token)) return token.slice(1, -1);
      if (!/^\w/.test(token)) throw this.#refuse(`"${token}" stands where a value should`);
      if (this.#accept("(")) return this.#call(token);
      const value = this.#scope.variable(token);
      if (value === undefined) throw this.#refuse(`there is no "${token}"`);
      return value;
    } finally {
      this.#depth -= 1;
    }
  }

  #call(name: string): Value {
    const parameters = new Map<string, Value>();
    while (!this.#accept(")")) {
      const key = this.#tokens[this.#at++] ?? "";
      this.#expect("=");
      parameters.set(key, this.#sum());
      if (!this.#accept(",")) {
        this.#expect(")");
        break;
      }
    }
    const value = this.#scope.call(name, parameters);
    if (value === undefined) throw this.#refuse(`there is no template "${name}"`);
    return value;
  }

  #number(value: Value): number {
    if (typeof value === "number") return value;
    throw this.#refuse(`"${value}" is no number`);
  }

  /** `'%03d' % i`. */
  #format(pattern: string, value: Value): string {
    return pattern.replace(/%(0?)(\d*)([ds%])/g, (_, zero: string, width: string, kind: string) => {
      if (kind === "%") return "%";
      const text = kind === "d" ? String(Math.trunc(this.#number(value))) : String(value);
      return text.padStart(Number(width || 0), zero === "0" && kind === "d" ? "0" : " ");
    });
  }
}
