/**
 * What is made once for each shape of chunk that is met, such as the codecs of it.
 *
 * @module
 */

/** Shapes that are remembered; grids of more shapes than that are made of few at a time. */
const KEEP = 256;

/** The value of a key, made where it is not remembered. */
export function remembered<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  if (values.size >= KEEP) values.clear();
  const made = make();
  values.set(key, made);
  return made;
}
