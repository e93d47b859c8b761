// Ticking rows of a list, and deleting what is ticked: gone at once, with ten seconds to take it back.

import { send } from "./http";
import { toast } from "./toast";

interface Gone {
  row: HTMLTableRowElement;
  after: Element | null;
  body: Element;
}

export class Ticks {
  private last: HTMLInputElement | undefined;

  constructor(private readonly host: HTMLElement) {}

  private get form(): HTMLFormElement | null {
    return this.host.querySelector<HTMLFormElement>("#ticked");
  }

  start(signal: AbortSignal): void {
    const { form } = this;
    if (!form) return;
    this.host.addEventListener("change", () => this.count(), { signal });
    this.host.addEventListener("click", (event) => this.span(event), { signal });
    form.addEventListener("reset", () => setTimeout(() => this.count()), { signal });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      void this.removeAll(this.ticked());
    }, { signal });
    this.count();
  }

  toggle(cell: Element): void {
    const box = cell.closest("tr")?.querySelector<HTMLInputElement>("input[name=id]");
    if (!box) return;
    box.checked = !box.checked;
    this.last = box;
    this.count();
  }

  /** Deletes what is ticked, or else the row at hand. */
  async remove(cell: Element): Promise<void> {
    const ticked = this.ticked();
    const row = cell.closest<HTMLTableRowElement>("tr[data-row]");
    if (this.form && (ticked.length || row)) await this.removeAll(ticked.length ? ticked : [row!]);
  }

  private boxes(): HTMLInputElement[] {
    return [...this.host.querySelectorAll<HTMLInputElement>("input[name=id]")];
  }

  private ticked(): HTMLTableRowElement[] {
    return this.boxes()
      .filter((box) => box.checked)
      .map((box) => box.closest("tr")!);
  }

  /** With Shift a click ticks all rows since the last one. */
  private span(event: MouseEvent): void {
    const box = event.target as HTMLInputElement;
    if (!box.matches?.("input[name=id]")) return;
    const boxes = this.boxes();
    const [from, to] = [this.last ? boxes.indexOf(this.last) : -1, boxes.indexOf(box)];
    if (event.shiftKey && from >= 0) {
      for (const between of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) between.checked = box.checked;
      this.count();
    }
    this.last = box;
  }

  private count(): void {
    const many = this.ticked().length;
    this.host.classList.toggle("ticking", many > 0);
    const words = this.form?.querySelector("[data-ticked]");
    if (words) words.textContent = `${many} selected`;
  }

  private async removeAll(rows: HTMLTableRowElement[]): Promise<void> {
    const { form } = this;
    if (!form || !rows.length) return;
    const ids = rows.map((row) => row.dataset.row ?? "");
    const next = rows.at(-1)?.nextElementSibling ?? rows[0]?.previousElementSibling;
    const gone = rows.map((row) => ({ row, after: row.previousElementSibling, body: row.parentElement! }));
    for (const row of rows) row.remove();
    this.count();
    this.total(-rows.length);
    next?.querySelector<HTMLElement>("a[data-record]")?.focus({ preventScroll: true });
    const what = rows.length > 1 ? `${rows.length} ${this.host.dataset.kind?.toLowerCase()} deleted` : `${this.host.dataset.one} deleted`;
    try {
      const { change } = await send(form.action, new URLSearchParams(ids.map((id) => ["id", id])));
      if (change) toast(what, { label: "Undo", run: () => void this.bringBack(gone, change) });
    } catch (error) {
      this.putBack(gone);
      toast((error as Error).message);
    }
  }

  private async bringBack(gone: Gone[], change: string): Promise<void> {
    try {
      await send(`/undo/${change}`, {});
      this.putBack(gone);
    } catch (error) {
      toast((error as Error).message);
    }
  }

  private putBack(gone: Gone[]): void {
    for (const { row, after, body } of gone) {
      if (after?.isConnected) after.after(row);
      else if (body.isConnected) body.prepend(row);
      const box = row.querySelector<HTMLInputElement>("input[name=id]");
      if (box) box.checked = false;
    }
    this.total(gone.length);
    this.count();
    gone[0]?.row.querySelector<HTMLElement>("a[data-record]")?.focus();
  }

  /** Corrects the number of records that is shown. */
  private total(by: number): void {
    const words = this.host.querySelector<HTMLElement>(".filters .count");
    const found = words?.textContent?.match(/^([\d,]+) /);
    if (!words || !found) return;
    const many = Number(found[1]!.replaceAll(",", "")) + by;
    const noun = many === 1 ? this.host.dataset.one : this.host.dataset.kind;
    words.textContent = `${many.toLocaleString("en")} ${noun?.toLowerCase()}`;
  }
}
