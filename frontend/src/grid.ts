// <m-grid>: a record list. J/K move over the rows, Enter opens, / searches by name; what is loaded is remembered so
// that a record's page can step through the same list.
// <m-siblings>: on a record's page, the step to the previous and next record of that list.

import { bind } from "./keys";

interface Listed {
  object: string;
  url: string; // of the list, as its page has it
  ids: string[];
  more: string | null; // where the next rows are, as JSON
}

const KEPT = "metierList";

class Grid extends HTMLElement {
  private readonly aborter = new AbortController();
  private late = 0; // timer of askAgain
  private head = -1; // which column's head was pressed, if that was what was pressed last

  connectedCallback(): void {
    const { signal } = this.aborter;
    this.addEventListener("click", (event) => this.openRow(event), { signal });
    // on the document: what asked may itself be swapped away
    document.addEventListener("htmx:after:swap", () => this.remember(), { signal });
    document.addEventListener("htmx:finally:request", (event) => this.filled(event), { signal });
    bind("/", "Search this list by name", () => this.querySelector<HTMLInputElement>("#quick-input")?.select());
    bind("j", "Next row", () => this.move(1));
    bind("k", "Row before", () => this.move(-1));
    bind("f", "Add a filter", () => this.openFilter());
    const quick = this.querySelector<HTMLInputElement>("#quick-input");
    quick?.addEventListener("keydown", (event) => this.leaveSearch(event), { signal });
    quick?.addEventListener("input", () => this.askAgain(quick), { signal });
    if (quick && quick.value !== quick.defaultValue) this.askAgain(quick); // typed before this page was ready
    this.remember();
  }

  disconnectedCallback(): void {
    this.aborter.abort();
    clearTimeout(this.late);
  }

  /** Searches once more when the list still shows something else a while after the last letter. */
  private askAgain(quick: HTMLInputElement): void {
    clearTimeout(this.late);
    this.late = window.setTimeout(() => {
      const shown = new URLSearchParams(location.search).get("q") ?? "";
      if (shown !== quick.value.trim()) quick.dispatchEvent(new Event("search", { bubbles: true }));
    }, 1_500);
  }

  private rows(): HTMLAnchorElement[] {
    return [...this.querySelectorAll<HTMLAnchorElement>("a[data-record]")];
  }

  private move(step: number): void {
    const rows = this.rows();
    const at = rows.indexOf(document.activeElement as HTMLAnchorElement);
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
    next?.focus({ preventScroll: true });
    next?.closest("tr")?.scrollIntoView({ block: "nearest" });
  }

  /** A click anywhere in a row opens it, unless something else was meant: a link, a button, marking text. */
  private openRow(event: MouseEvent): void {
    const target = event.target as Element;
    this.head = target.closest<HTMLTableCellElement>("thead th")?.cellIndex ?? -1;
    if (target.closest("a, button, input, summary") || !getSelection()?.isCollapsed) return;
    const link = target.closest("tr")?.querySelector<HTMLAnchorElement>("a[data-record]");
    if (!link) return;
    if (event.ctrlKey || event.metaKey) open(link.href, "_blank");
    else link.click();
  }

  private openFilter(): void {
    const details = this.querySelector<HTMLDetailsElement>("#filter");
    if (!details) return;
    details.open = true;
    details.querySelector<HTMLElement>("[data-focus], .options a")?.focus();
  }

  private leaveSearch(event: KeyboardEvent): void {
    const input = event.target as HTMLInputElement;
    if (event.key === "ArrowDown" || (event.key === "Enter" && this.rows().length > 0)) {
      event.preventDefault();
      this.move(1);
    } else if (event.key === "Escape" && !input.value) input.blur();
  }

  /** A filter being made shows itself, even when its chip was clicked; focus does not get lost with what went away. */
  private filled(event: Event): void {
    const { target } = (event as CustomEvent<{ ctx: { target?: Element } }>).detail.ctx;
    const filter = this.querySelector<HTMLDetailsElement>("#filter");
    if (target?.id === "filter-panel" && filter) {
      filter.open = true;
      filter.querySelector<HTMLElement>("[data-focus], .options a")?.focus();
    } else if (target?.id === "view" && document.activeElement === document.body) {
      const place = this.head < 0 ? "#filter-button" : `thead th:nth-child(${this.head + 1}) a`;
      this.querySelector<HTMLElement>(place)?.focus({ preventScroll: true });
    }
  }

  /** Keeps which records are shown, in their order, for the steps on a record's page. */
  private remember(): void {
    const rows = this.rows();
    const first = rows[0]?.getAttribute("href")?.split("/");
    const more = this.querySelector("#more")?.getAttribute("hx-get") ?? null;
    const listed: Listed = {
      object: first?.[2] ?? "",
      url: location.pathname + location.search,
      ids: rows.map((row) => row.dataset.record ?? ""),
      more: more && asJson(more),
    };
    sessionStorage.setItem(KEPT, JSON.stringify(listed));
  }
}

/** Turns the address of the next rows into that of their data. */
function asJson(more: string): string {
  const url = new URL(more, location.origin);
  url.searchParams.delete("n");
  return `${url.pathname}.json${url.search}`;
}

class Siblings extends HTMLElement {
  connectedCallback(): void {
    const listed = read();
    const { object = "", id = "" } = this.dataset;
    if (!listed || listed.object !== object || !listed.ids.includes(id)) return;
    const back = document.querySelector<HTMLAnchorElement>("[data-back-to-list]");
    if (back) back.href = listed.url;
    this.show(listed, id);
    void this.lookAhead(listed, id);
    bind("j", "Next record of the list", () => this.step(1));
    bind("k", "Record before", () => this.step(-1));
  }

  private link(step: number): HTMLAnchorElement | null {
    return this.querySelector<HTMLAnchorElement>(`[data-step="${step}"]`);
  }

  private step(step: number): void {
    const link = this.link(step);
    if (link?.href) link.click();
  }

  private show(listed: Listed, id: string): void {
    const at = listed.ids.indexOf(id);
    for (const step of [-1, 1]) {
      const link = this.link(step);
      const to = listed.ids[at + step];
      if (to) link?.setAttribute("href", `/o/${listed.object}/${to}`);
      else link?.removeAttribute("href");
      link?.setAttribute("aria-disabled", String(!to));
    }
    const place = this.querySelector(".place-in-list");
    if (place) place.textContent = `${at + 1} of ${listed.ids.length}${listed.more ? "+" : ""}`;
    this.hidden = false;
  }

  /** Near the end of what the list had loaded, fetches the ids that follow. */
  private async lookAhead(listed: Listed, id: string): Promise<void> {
    if (!listed.more || listed.ids.indexOf(id) < listed.ids.length - 2) return;
    const answer = await fetch(listed.more);
    if (!answer.ok) return;
    const page = (await answer.json()) as { data: { id: string }[]; next_cursor: string | null };
    const next = new URL(listed.more, location.origin);
    if (page.next_cursor) next.searchParams.set("cursor", page.next_cursor);
    const longer = {
      ...listed,
      ids: [...listed.ids, ...page.data.map((record) => record.id)],
      more: page.next_cursor ? next.pathname + next.search : null,
    };
    sessionStorage.setItem(KEPT, JSON.stringify(longer));
    this.show(longer, id);
  }
}

function read(): Listed | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Listed | null;
  } catch {
    return null;
  }
}

customElements.define("m-grid", Grid);
customElements.define("m-siblings", Siblings);
