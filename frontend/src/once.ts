// A question of the palette is sent by the chat it leads to. A link could lead there as well, with words of an agent or
// of another site, so what sends is a mark that only our own pages can make, and that works once. A message that may or may
// not have come is sent again with the key it had, and answered once.

const KEY = "metierSendOnce";

/** Makes a mark; the chat whose address ends with it sends its question. */
export function sendOnce(): string {
  const mark = newKey();
  localStorage.setItem(KEY, mark);
  return mark;
}

/** Makes a text that nobody else has made. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
}

/** Says whether this address ends with the mark, and uses it up. */
export function isToSend(): boolean {
  const mark = localStorage.getItem(KEY);
  if (!mark || location.hash !== `#${mark}`) return false;
  localStorage.removeItem(KEY);
  return true;
}
