// <m-record>: a record's page, whose values are edited in place.
// <m-siblings>: on a record's page, the step to the previous and next record of the list it was opened from.

import { Editor, focus, type Host } from "./edit";
import { refreshFrame } from "./http";
import { bind } from "./keys";

/** What a list remembers of itself. */
export interface Listed {
  object: string;
  url: string; // of the list, as its page has it
  ids: string[];
  more: string | null; // where the next rows are, as JSON
}

export const KEPT = "metierList";

class RecordPage extends HTMLElement implements Host {
  readonly element = this;
  private readonly editor = new Editor(this);

  connectedCallback(): void {
    this.addEventListener("click", (event) => this.pressed(event));
    if (this.querySelector("[data-field]")) bind("e", "Edit", () => this.edit());
  }

  private edit(): void {
    const at = document.activeElement?.closest<HTMLElement>("[data-field]");
    const cell = at ?? this.querySelector<HTMLElement>(".facts [data-field]") ?? this.querySelector<HTMLElement>("[data-field]");
    if (cell) this.editor.start(cell);
  }

  private pressed(event: MouseEvent): void {
    const target = event.target as Element;
    const cell = target.closest<HTMLElement>("[data-field]");
    if (!cell) return;
    const pencil = target.closest("[data-edit-cell]");
    if (!pencil && (target.closest("a, button") || !getSelection()?.isCollapsed)) return;
    if (this.editor.start(cell)) event.preventDefault();
  }

  url(): string {
    return `/o/${this.dataset.object}/${this.dataset.id}/edit`;
  }

  record(): string {
    return this.dataset.id ?? "";
  }

  find(_record: string, field: string): HTMLElement | null {
    return this.querySelector<HTMLElement>(`[data-field="${field}"]`);
  }

  show(_cell: HTMLElement, html: string): void {
    const field = document.activeElement?.closest<HTMLElement>("[data-field]")?.dataset.field;
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const [old, fresh] = [this.querySelector(".record"), holder.content.querySelector(".record")];
    if (old && fresh) old.replaceWith(fresh);
    if (field) focus(this.find("", field));
    void refreshFrame(location.pathname);
  }

  async refresh(): Promise<void> {
    const headers = { "HX-Request": "true", "HX-Target": "div#record" };
    const answer = await fetch(location.pathname, { headers });
    if (answer.ok) this.show(this, await answer.text());
  }
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

customElements.define("m-record", RecordPage);
customElements.define("m-siblings", Siblings);
