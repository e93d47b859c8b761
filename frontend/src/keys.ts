// Keys: single ones, pairs (G then a letter) and ones with Ctrl or Cmd. None acts while somebody types.
// What is bound here is what the keyboard map (?) lists, and each has a visible control too.

interface Binding {
  keys: string; // "j", "g c", "Shift+D", "Mod+k"
  label: string;
  run: () => void;
}

const bindings: Binding[] = [];
const PAIR_MS = 1200; // how long the second key of a pair may take
let first = "";
let timer = 0;

export const mac = /mac|iphone|ipad/i.test(navigator.platform);

/** Binds keys. A later binding of the same keys wins, so a page may give a key its own meaning. */
export function bind(keys: string, label: string, run: () => void): void {
  const known = bindings.findIndex((binding) => binding.keys === keys);
  if (known >= 0) bindings.splice(known, 1);
  bindings.push({ keys, label, run });
}

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    const found = match(event);
    if (!found) return;
    event.preventDefault();
    found.run();
  });
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("[data-keymap-open]")) showMap();
  });
}

function match(event: KeyboardEvent): Binding | undefined {
  const mod = event.ctrlKey || event.metaKey;
  if (mod) return bindings.find((binding) => binding.keys === `Mod+${event.key.toLowerCase()}` && !event.altKey);
  if (event.altKey || event.isComposing || isTyping(event.target) || document.querySelector("dialog[open]")) return undefined;
  const name = event.shiftKey && /^[a-z]$/i.test(event.key) ? `Shift+${event.key.toUpperCase()}` : event.key;
  const pair = first && bindings.find((binding) => binding.keys === `${first} ${name}`);
  clearTimeout(timer);
  first = "";
  if (pair) return pair;
  if (bindings.some((binding) => binding.keys.startsWith(`${name} `))) {
    first = name;
    timer = setTimeout(() => (first = ""), PAIR_MS);
  }
  return bindings.find((binding) => binding.keys === name);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

/** Opens the keyboard map. */
export function showMap(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#keymap");
  const list = dialog?.querySelector("dl");
  if (!dialog || !list || dialog.open) return;
  list.replaceChildren(...bindings.flatMap(({ keys, label }) => [element("dt", label), keycaps(keys)]));
  dialog.showModal();
}

function keycaps(keys: string): HTMLElement {
  const cell = document.createElement("dd");
  cell.append(...keys.split(/[ ]/).map((key) => element("kbd", written(key))));
  return cell;
}

/** Writes "Mod+k" as the keyboard at hand has it. */
export function written(keys: string): string {
  const spelled = keys.length === 1 ? keys.toUpperCase() : keys.replace(/\+(.)$/, (_, key: string) => `+${key.toUpperCase()}`);
  return spelled.replace("Mod+", mac ? "⌘" : "Ctrl+");
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
