// The command palette: ask, go to a page, find a record or chat, act. Ctrl/Cmd+K or any [data-palette-open].
//
// What is always there stands in <template id="palette-places">; records and chats come from the API while one types.
// The last places visited in this browser come first, kept per member.

import { mac, showMap } from "./keys";
import { sendOnce } from "./once";
import { toggle } from "./theme";

interface Choice {
  label: string;
  kind: string;
  icon?: Node | undefined;
  url?: string | undefined;
  action?: string | undefined;
  ask?: boolean;
}

interface Hit {
  object: string;
  id: string;
  label: string;
}

const RECENT = 6;
const WAIT_MS = 80; // after the last key, before the server is asked

class Palette {
  private readonly input: HTMLInputElement;
  private readonly list: HTMLUListElement;
  private readonly fixed: Choice[];
  private choices: Choice[] = [];
  private chosen = 0;
  private timer = 0;
  private asking: AbortController | undefined;

  constructor(private readonly dialog: HTMLDialogElement) {
    this.input = dialog.querySelector("input")!;
    this.list = dialog.querySelector("ul")!;
    this.fixed = readPlaces();
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => this.click(event));
    this.list.addEventListener("pointermove", (event) => this.point(event));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => this.asking?.abort());
  }

  open(): void {
    if (this.dialog.open) return this.dialog.close();
    this.input.value = "";
    this.show(this.local(""));
    this.dialog.showModal();
    this.input.focus();
  }

  private typed(): void {
    const text = this.input.value.trim();
    clearTimeout(this.timer);
    this.asking?.abort();
    this.show(this.local(text));
    if (text) this.timer = setTimeout(() => void this.search(text), WAIT_MS);
  }

  /** What can be offered at once: asking, places whose name fits, or without a text the last visited and all places. */
  private local(text: string): Choice[] {
    const words = text.toLowerCase();
    const [ask, rest] = [this.fixed.filter((c) => c.ask), this.fixed.filter((c) => !c.ask)];
    const asked = ask.map((c) => ({ ...c, label: text ? `Ask AI: “${text}”` : "Ask AI…" }));
    const recent = recentPlaces().filter((r) => r.url !== location.pathname && !rest.some((c) => c.url === r.url));
    if (!words) return [...asked, ...recent.slice(0, 4), ...rest];
    const fits = (c: Choice): boolean => fitsWords(c.label, words) || c.kind.toLowerCase().startsWith(words);
    return [...asked, ...rest.filter(fits), ...recent.filter(fits)];
  }

  private async search(text: string): Promise<void> {
    this.asking = new AbortController();
    const { signal } = this.asking;
    const ask = async (url: string): Promise<{ data: unknown[] } | undefined> => {
      const answer = await fetch(url, { signal });
      return answer.ok ? ((await answer.json()) as { data: unknown[] }) : undefined;
    };
    const q = encodeURIComponent(text);
    const mayAsk = this.fixed.some((c) => c.ask);
    try {
      const [records, chats] = await Promise.all([
        ask(`/api/v1/search?q=${q}&limit=12`),
        mayAsk ? ask(`/api/v1/threads?q=${q}&limit=4`) : undefined,
      ]);
      const found = [
        ...((records?.data ?? []) as Hit[]).map((hit) => ofHit(hit)),
        ...((chats?.data ?? []) as { id: string; title: string }[]).map((chat) => ofChat(chat)),
      ];
      const known = this.local(text);
      this.show([...known, ...found.filter((c) => !known.some((k) => k.url === c.url))], this.chosen);
    } catch (error) {
      if (!signal.aborted) this.show([...this.local(text), { label: "Records could not be searched. Is the server running?", kind: "" }]);
    }
  }

  private show(choices: Choice[], chosen = 0): void {
    this.choices = choices;
    this.list.replaceChildren(...choices.map((choice, i) => row(choice, i)));
    this.choose(Math.min(chosen, choices.length - 1));
  }

  private choose(index: number): void {
    this.chosen = Math.max(index, 0);
    [...this.list.children].forEach((child, i) => child.setAttribute("aria-selected", String(i === this.chosen)));
    const current = this.list.children[this.chosen];
    current?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", current?.id ?? "");
  }

  private key(event: KeyboardEvent): void {
    const count = this.choices.length;
    const moves: Record<string, number> = { ArrowDown: this.chosen + 1, ArrowUp: this.chosen - 1 + count, Home: 0, End: count - 1 };
    const to = moves[event.key];
    if (to !== undefined && count && !((event.key === "Home" || event.key === "End") && this.input.value)) {
      event.preventDefault();
      this.choose(to % count);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      this.run(this.choices[this.chosen], event.ctrlKey || event.metaKey);
    }
  }

  private click(event: MouseEvent): void {
    const item = (event.target as Element).closest<HTMLElement>("li");
    if (item) this.run(this.choices[Number(item.dataset.index)], event.ctrlKey || event.metaKey);
  }

  private point(event: PointerEvent): void {
    const item = (event.target as Element).closest<HTMLElement>("li");
    if (item && Number(item.dataset.index) !== this.chosen) this.choose(Number(item.dataset.index));
  }

  private run(choice: Choice | undefined, newTab: boolean): void {
    if (!choice) return;
    const text = this.input.value.trim();
    const url = choice.ask && text ? `/chat?q=${encodeURIComponent(text)}#${sendOnce()}` : choice.url;
    if (!url && !choice.action) return;
    this.dialog.close();
    if (url && newTab) open(url, "_blank");
    else if (url) location.assign(url);
    else if (choice.action === "theme") toggle();
    else if (choice.action === "keymap") showMap();
    else if (choice.action === "sign-out") document.querySelector<HTMLButtonElement>("[data-sign-out]")?.click();
  }
}

function row(choice: Choice, index: number): HTMLLIElement {
  const item = document.createElement("li");
  item.id = `choice-${index}`;
  item.dataset.index = String(index);
  item.setAttribute("role", "option");
  if (!choice.url && !choice.action) item.className = "none";
  if (choice.icon) item.append(choice.icon.cloneNode(true));
  item.append(span("text", choice.label), span("kind", choice.kind));
  return item;
}

function span(name: string, text: string): HTMLSpanElement {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
}

/** Whether each word typed begins a word of the label. */
function fitsWords(label: string, words: string): boolean {
  const parts = label.toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return words.split(/\s+/).every((word) => parts.some((part) => part.startsWith(word)));
}

function readPlaces(): Choice[] {
  const template = document.querySelector<HTMLTemplateElement>("#palette-places");
  return [...(template?.content.children ?? [])].map((node) => {
    const { kind = "", action, ask } = (node as HTMLElement).dataset;
    const url = node.getAttribute("href") ?? undefined;
    return { label: node.textContent?.trim() ?? "", kind, icon: node.querySelector("svg") ?? undefined, url, action, ask: ask !== undefined };
  });
}

function iconOf(name: string): { icon: Node | undefined; label: string | undefined } {
  const template = document.querySelector<HTMLTemplateElement>("#palette-icons");
  const find = (key: string): HTMLElement | null => template?.content.querySelector<HTMLElement>(`[data-for="${CSS.escape(key)}"]`) ?? null;
  const found = find(name) ?? find("");
  return { icon: found?.querySelector("svg") ?? undefined, label: found?.dataset.label };
}

function ofHit(hit: Hit): Choice {
  const { icon, label } = iconOf(hit.object);
  return { label: hit.label, kind: label ?? hit.object, icon, url: `/o/${hit.object}/${hit.id}` };
}

function ofChat(chat: { id: string; title: string }): Choice {
  return { label: chat.title || "New chat", kind: "Chat", icon: iconOf("Chat").icon, url: `/chat/${chat.id}` };
}

/* --- the last visited --- */

const recentKey = (): string => `metierRecent:${document.body.dataset.member ?? ""}`;

function recentPlaces(): Choice[] {
  try {
    const kept = JSON.parse(localStorage.getItem(recentKey()) ?? "[]") as { label: string; kind: string; url: string; icon: string }[];
    return kept.map(({ label, kind, url, icon }) => ({ label, kind, url, icon: iconOf(icon).icon }));
  } catch {
    return [];
  }
}

/** Remembers this page, if it says of itself what it is: <h1 data-recent="Company" data-recent-icon="company">. */
function rememberPage(): void {
  const heading = document.querySelector<HTMLElement>("h1[data-recent]");
  const label = heading?.textContent?.trim();
  if (!heading || !label || !document.body.dataset.member) return;
  const entry = { label, kind: heading.dataset.recent, url: location.pathname, icon: heading.dataset.recentIcon ?? heading.dataset.recent };
  try {
    const kept = JSON.parse(localStorage.getItem(recentKey()) ?? "[]") as { url: string }[];
    const next = [entry, ...kept.filter((k) => k.url !== entry.url)].slice(0, RECENT);
    localStorage.setItem(recentKey(), JSON.stringify(next));
  } catch {
    localStorage.removeItem(recentKey()); // whatever stood there was not ours
  }
}

/** Forgets what this browser keeps of the member: on signing out. */
export function forget(): void {
  localStorage.removeItem(recentKey());
  for (const key of Object.keys(localStorage)) if (key.startsWith("metierDraft:")) localStorage.removeItem(key);
  sessionStorage.clear();
}

/** Makes the palette of this page; gives back how to open it. */
export function startPalette(): () => void {
  const dialog = document.querySelector<HTMLDialogElement>("#palette");
  if (!dialog) return () => undefined;
  const palette = new Palette(dialog);
  document.addEventListener("click", (event) => {
    const opener = (event.target as Element).closest("[data-palette-open]");
    if (!opener || (event as MouseEvent).ctrlKey || (event as MouseEvent).metaKey) return;
    event.preventDefault();
    palette.open();
  });
  for (const hint of document.querySelectorAll("[data-mod]")) hint.textContent = mac ? "⌘ K" : "Ctrl K";
  rememberPage();
  return () => palette.open();
}
