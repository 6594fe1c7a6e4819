/** Call `after` once a method of one node has run, whatever others have hung onto it. */
export function following(owner, method, after) {
  const before = owner[method];
  owner[method] = function (...given) {
    const result = before?.apply(this, given);
    after(...given);
    return result;
  };
}
