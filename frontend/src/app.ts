// Every page: htmx, the palette, keys, theme, the sidebar, copy buttons, words about what failed.

import "htmx.org";
import { bind, showMap, startKeys } from "./keys";
import { forget, startPalette } from "./palette";
import { startTheme, toggle } from "./theme";
import { toast } from "./toast";

const root = document.documentElement;

startTheme();
startKeys();
const openPalette = startPalette();
bindKeys();
startSidebar();
startClicks();
startPanels();
startFailures();
startForms();
startDone();
focusHeading();

function bindKeys(): void {
  if (!document.querySelector("#palette")) return;
  bind("Mod+k", "Search, ask, go anywhere", openPalette);
  for (const place of goToPlaces()) bind(place.keys, place.label, () => location.assign(place.url));
  bind("[", "Show or hide the sidebar", toggleSidebar);
  bind("Shift+D", "Light or dark", toggle);
  bind("?", "This list", showMap);
}

/** The pairs of keys that the server gave to places: [{keys: "g c", label: "Chat", url: "/chat"}]. */
function goToPlaces(): { keys: string; label: string; url: string }[] {
  const template = document.querySelector<HTMLTemplateElement>("#palette-places");
  return [...(template?.content.querySelectorAll<HTMLAnchorElement>("a[data-keys]") ?? [])].map((a) => ({
    keys: a.dataset.keys ?? "",
    label: a.dataset.kind === "Create" ? a.textContent.trim() : `Go to ${a.textContent.trim().toLowerCase()}`,
    url: a.getAttribute("href") ?? "/",
  }));
}

/* --- sidebar: closed by choice on wide screens, a drawer on narrow ones --- */

function toggleSidebar(): void {
  if (root.dataset.sidebar === "closed") {
    delete root.dataset.sidebar;
    localStorage.removeItem("metierSidebar");
  } else {
    root.dataset.sidebar = "closed";
    localStorage.setItem("metierSidebar", "closed");
  }
}

function drawer(open: boolean): void {
  const sidebar = document.querySelector<HTMLElement>("#sidebar");
  sidebar?.classList.toggle("open", open);
  if (open) sidebar?.querySelector<HTMLElement>("[data-drawer-close]")?.focus();
}

function startSidebar(): void {
  document.addEventListener("keydown", (event) => event.key === "Escape" && drawer(false));
}

/* --- clicks --- */

function startClicks(): void {
  const actions: Record<string, (element: HTMLElement, event: Event) => void> = {
    "[data-sidebar-toggle]": toggleSidebar,
    "[data-drawer-open]": (_, event) => {
      event.preventDefault();
      drawer(true);
    },
    "[data-drawer-close]": () => drawer(false),
    "[data-dialog-close]": (element) => element.closest("dialog")?.close(),
    "[data-copy]": (element) => void copy(element),
    "[data-sign-out]": forget,
  };
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    for (const [selector, act] of Object.entries(actions)) {
      const found = target.closest<HTMLElement>(selector);
      if (found) act(found, event);
    }
    for (const open of document.querySelectorAll<HTMLDetailsElement>("details.drop[open]")) {
      if (!open.contains(target) && target.isConnected) open.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" ? document.querySelector<HTMLDetailsElement>("details.drop[open]") : null;
    if (!open) return;
    open.open = false;
    open.querySelector("summary")?.focus();
  });
}

/** A panel that would stick out at the right opens to the left of its button's end. */
function startPanels(): void {
  const place = (event: Event): void => {
    const panel = (event.target as Element).querySelector<HTMLElement>(":scope > .panel");
    panel?.classList.remove("from-end");
    panel?.classList.toggle("from-end", panel.getBoundingClientRect().right > innerWidth - 8);
  };
  document.addEventListener("toggle", place, true);
}

/** Copies the text of the element that data-copy names, or of the code beside the button. */
async function copy(button: HTMLElement): Promise<void> {
  const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.parentElement?.querySelector("code");
  const text = source?.textContent?.trim() ?? "";
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("This browser does not let pages copy. Select the text and copy it.");
  }
}

/* --- forms: a button is pressed once, and who fills one in need not say where the clock stands --- */

function startForms(): void {
  for (const input of document.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-time-zone]")) {
    const before = input.value;
    input.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!input.value) input.value = before; // a list that does not have it
  }
  document.addEventListener("submit", (event) => {
    const { submitter } = event as SubmitEvent;
    const plain = event.target instanceof HTMLFormElement && event.target.method === "post" && !event.defaultPrevented;
    if (plain && submitter instanceof HTMLButtonElement) setTimeout(() => busy(submitter, true)); // once its value is sent
  });
  addEventListener("pageshow", () => document.querySelectorAll<HTMLButtonElement>("button[aria-busy]").forEach((button) => busy(button, false)));
}

function busy(button: HTMLButtonElement, on: boolean): void {
  button.disabled = on;
  button.toggleAttribute("aria-busy", on);
}

/* --- what the page before did: said for 10 s, with the way back; its address is not kept --- */

function startDone(): void {
  const note = document.querySelector<HTMLElement>("[data-done]");
  if (note) setTimeout(() => note.remove(), 10_000);
  const url = new URL(location.href);
  if (!url.searchParams.has("done")) return;
  url.searchParams.delete("done");
  history.replaceState(history.state, "", url);
}

/* --- htmx: what failed is said, with a way to try again --- */

interface Failure {
  ctx?: { sourceElement?: Element; text?: string; response?: { headers: Headers } };
  error?: Error;
}

function startFailures(): void {
  document.addEventListener("htmx:error", (event) => {
    const { ctx, error } = (event as CustomEvent<Failure>).detail;
    const broken = error instanceof TypeError ? "The server cannot be reached." : `That did not work: ${error?.message ?? "no answer"}.`;
    toast(broken, retry(ctx?.sourceElement));
  });
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = (event as CustomEvent<Failure>).detail;
    if (!ctx?.response?.headers.get("content-type")?.startsWith("application/json")) return; // a form that says it itself
    const { message, cure } = JSON.parse(ctx.text ?? "{}") as { message?: string; cure?: string };
    toast([message, cure].filter(Boolean).join(" "), retry(ctx.sourceElement));
  });
}

function retry(source: Element | undefined): { label: string; run: () => void } | undefined {
  return source && { label: "Retry", run: () => window.htmx.trigger(source, retryEvent(source)) };
}

function retryEvent(source: Element): string {
  return source.matches("form") ? "submit" : source.matches("tr") ? "intersect" : "click";
}

declare global {
  interface Window {
    htmx: { trigger(on: Element, event: string): void; process(on: Element): void };
  }
}

/** After following a link the focus is on the page's heading, as a reader of the screen expects. */
function focusHeading(): void {
  const active = document.activeElement;
  if (!document.referrer.startsWith(location.origin) || location.hash || (active && active !== document.body)) return;
  if (!document.querySelector("[autofocus]")) document.querySelector<HTMLElement>("#heading")?.focus({ preventScroll: true });
}
