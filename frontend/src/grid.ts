// <m-grid>: a record list. J/K and the arrows move, Enter opens or edits, E edits, X ticks, / searches by name; what is
// loaded is remembered so that a record's page can step through the same list.

import { Editor, focus, type Host } from "./edit";
import { bind } from "./keys";
import { KEPT, type Listed } from "./record";
import { startSide } from "./side";
import { Ticks } from "./ticks";

const narrow = matchMedia("(max-width: 759px)"); // there a row is opened by touching it, and edited on its page

class Grid extends HTMLElement implements Host {
  readonly element = this;
  private readonly editor = new Editor(this);
  private readonly ticks = new Ticks(this);
  private readonly aborter = new AbortController();
  private late = 0; // timer of askAgain
  private head = -1; // which column's head was pressed, if that was what was pressed last

  connectedCallback(): void {
    const { signal } = this.aborter;
    this.addEventListener("click", (event) => this.openRow(event), { signal });
    this.addEventListener("keydown", (event) => this.walk(event), { signal });
    // on the document: what asked may itself be swapped away
    document.addEventListener("htmx:after:swap", () => this.remember(), { signal });
    document.addEventListener("htmx:finally:request", (event) => this.filled(event), { signal });
    bind("/", "Search this list by name", () => this.querySelector<HTMLInputElement>("#quick-input")?.select());
    bind("j", "Next row", () => this.move(1));
    bind("k", "Row before", () => this.move(-1));
    if (this.querySelector("template[data-editor]")) bind("e", "Edit", () => this.edit());
    if (document.querySelector("#new")) bind("c", `New ${(this.dataset.one ?? "record").toLowerCase()}`, () => document.querySelector<HTMLElement>("#new")?.click());
    this.ticks.start(signal);
    startSide();
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
    const here = document.activeElement?.closest<HTMLTableRowElement>("tr[data-row]");
    const at = rows.findIndex((row) => row.closest("tr") === here);
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step]?.closest("tr");
    const column = here ? (document.activeElement?.closest<HTMLTableCellElement>("td, th")?.cellIndex ?? 1) : 1;
    focus((next?.cells[column] ?? null) as HTMLElement | null);
  }

  /** The arrows go from value to value, Enter edits the one that has the focus. */
  private walk(event: KeyboardEvent): void {
    const cell = (event.target as Element).closest<HTMLTableCellElement>("tbody td, tbody th");
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !(event.target as Element).matches("input, button");
    if (!cell || !plain) return;
    const sides: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };
    const rows: Record<string, number> = { ArrowUp: -1, ArrowDown: 1 };
    if (event.key in sides) focus((cell.parentElement as HTMLTableRowElement).cells[Math.max(cell.cellIndex + sides[event.key]!, 1)] ?? null);
    else if (event.key in rows) this.move(rows[event.key]!);
    else if ((event.key === "Enter" || event.key === "F2") && event.target === cell) this.editor.start(cell);
    else if (event.key === "x") this.ticks.toggle(cell);
    else if (event.key === "Delete") void this.ticks.remove(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private edit(): void {
    const cell = document.activeElement?.closest<HTMLElement>("[data-field]") ?? this.querySelector<HTMLElement>("tbody [data-field]");
    if (cell) this.editor.start(cell);
  }

  /** A click on a value edits it; elsewhere in a row it opens the record, unless a link or a button was meant. */
  private openRow(event: MouseEvent): void {
    const target = event.target as Element;
    this.head = target.closest<HTMLTableCellElement>("thead th")?.cellIndex ?? -1;
    const cell = target.closest<HTMLElement>("[data-field]");
    if (cell && target.closest("[data-edit-cell]")) return void this.editor.start(cell);
    if (target.closest("a, button, input, summary, label") || !getSelection()?.isCollapsed) return;
    if (cell && !narrow.matches && this.editor.start(cell)) return;
    const link = target.closest("tr")?.querySelector<HTMLAnchorElement>("a[data-record]");
    if (!link) return;
    if (event.ctrlKey || event.metaKey) open(link.href, "_blank");
    else link.click();
  }

  // --- what the editor asks of a list

  url(cell: HTMLElement): string {
    return `/o/${this.dataset.object}/${this.record(cell)}/edit?n=${this.row(this.record(cell))?.dataset.n ?? 0}`;
  }

  record(cell: HTMLElement): string {
    return cell.closest<HTMLElement>("tr")?.dataset.row ?? "";
  }

  find(record: string, field: string): HTMLElement | null {
    return this.row(record)?.querySelector<HTMLElement>(`[data-field="${field}"]`) ?? null;
  }

  show(cell: HTMLElement, html: string): void {
    this.put(this.record(cell), html);
  }

  async refresh(record: string): Promise<void> {
    const answer = await fetch(`/o/${this.dataset.object}/${record}/row?n=${this.row(record)?.dataset.n ?? 0}`);
    if (answer.ok) this.put(record, await answer.text());
  }

  private row(record: string): HTMLTableRowElement | null {
    return this.querySelector<HTMLTableRowElement>(`tr[data-row="${record}"]`);
  }

  /** Puts a fresh row in the place of the old one; a focus that was in it stays on its column. */
  private put(record: string, html: string): void {
    const old = this.row(record);
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.querySelector("tr");
    if (!old || !fresh) return;
    const column = old.contains(document.activeElement) ? document.activeElement!.closest<HTMLTableCellElement>("td, th")!.cellIndex : -1;
    const ticked = old.querySelector<HTMLInputElement>("input[name=id]")?.checked ?? false;
    old.replaceWith(fresh);
    const tick = fresh.querySelector<HTMLInputElement>("input[name=id]");
    if (tick) tick.checked = ticked;
    if (column >= 0) focus(fresh.cells[column] ?? null);
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

customElements.define("m-grid", Grid);
