// Editing values in place. Over an element with data-field a form opens, made from the field's <template data-editor> and
// filled from data-edit. What was typed shows at once; the server's answer replaces it, or the form comes back with what
// was wrong. Enter sends, Esc leaves, Tab sends and goes on to the next value.

import { send } from "./http";
import "./pick";
import { toast } from "./toast";

type Inputs = Record<string, string>; // texts of a form, by the inputs' names

/** What is edited: a list or a record's page. */
export interface Host {
  element: HTMLElement;
  /** Where the form of a value goes. */
  url(cell: HTMLElement): string;
  /** Puts in what the server answered. */
  show(cell: HTMLElement, html: string): void;
  /** Finds a value again after something was replaced. */
  find(record: string, field: string): HTMLElement | null;
  /** Shows a record anew after a change was taken back. */
  refresh(record: string): Promise<void>;
  record(cell: HTMLElement): string;
}


export class Editor {
  private box: HTMLDivElement | undefined;
  private record = "";
  private field = "";
  private before: Inputs = {};
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly host: Host) {
    addEventListener("scroll", () => this.place(), { capture: true, passive: true });
    addEventListener("resize", () => this.place(), { passive: true });
  }

  /** Opens the form of a value; says whether there is one. */
  start(cell: HTMLElement, typed?: Inputs, problem?: string): boolean {
    const field = cell.dataset.field ?? "";
    const template = this.template(field);
    if (!template) return false;
    this.close();
    this.record = this.host.record(cell);
    this.field = field;
    this.before = JSON.parse(cell.dataset.edit ?? "{}") as Inputs;
    this.box = document.createElement("div");
    this.box.className = "editing";
    this.box.popover = "manual";
    const form = document.createElement("form");
    form.append(template.content.cloneNode(true));
    this.box.append(form);
    fill(form, typed ?? this.before);
    if (problem) this.complain(form, problem);
    document.body.append(this.box);
    this.box.showPopover();
    this.place();
    this.listen(form);
    const first = form.querySelector<HTMLInputElement>("input:not([type=hidden]), textarea, select:not([hidden])");
    first?.focus();
    if (first && "select" in first && !problem) first.select();
    return true;
  }

  private template(field: string): HTMLTemplateElement | null {
    return this.host.element.querySelector<HTMLTemplateElement>(`template[data-editor="${field}"]`);
  }

  get open(): boolean {
    return this.box !== undefined;
  }

  private get cell(): HTMLElement | null {
    return this.host.find(this.record, this.field);
  }

  private listen(form: HTMLFormElement): void {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.commit();
    });
    form.addEventListener("picked", () => void this.commit());
    form.addEventListener("change", (event) => {
      const target = event.target as Element;
      if (target instanceof HTMLSelectElement && form.elements.length === 1) void this.commit();
    });
    form.addEventListener("keydown", (event) => this.key(event));
    form.addEventListener("focusout", () => setTimeout(() => this.left(form)));
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.cancel();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void this.commit();
    } else if (event.key === "Tab" && this.atEdge(event)) {
      event.preventDefault();
      const next = this.neighbour(event.shiftKey ? -1 : 1);
      void this.commit(false);
      if (next) this.start(next);
    }
  }

  /** Says whether Tab would leave the form: a value can have several inputs. */
  private atEdge(event: KeyboardEvent): boolean {
    const inputs = [...(this.box?.querySelectorAll<HTMLElement>("input:not([type=hidden]), textarea, select:not([hidden])") ?? [])];
    return event.target === (event.shiftKey ? inputs[0] : inputs.at(-1));
  }

  private neighbour(step: number): HTMLElement | undefined {
    const all = [...this.host.element.querySelectorAll<HTMLElement>("[data-field]")].filter((cell) => cell.checkVisibility());
    return all[all.findIndex((cell) => cell === this.cell) + step];
  }

  /** Sends what was typed when the focus went elsewhere, but not when only the window was left. */
  private left(form: HTMLFormElement): void {
    if (form.isConnected && document.hasFocus() && !this.box?.contains(document.activeElement)) void this.commit(false);
  }

  private cancel(): void {
    const { cell } = this;
    this.close();
    focus(cell);
  }

  close(): void {
    const { box } = this;
    this.box = undefined;
    box?.remove();
  }

  private async commit(back = true): Promise<void> {
    const { box, record, field, cell, before } = this;
    const form = box?.querySelector("form");
    if (!form || !cell) return;
    const typed = read(form);
    const label = this.template(field)?.dataset.label ?? "It";
    const shown = preview(form);
    this.close();
    if (back) focus(cell);
    if (JSON.stringify(typed) === JSON.stringify(before)) return;
    const old = { html: cell.innerHTML, edit: cell.dataset.edit };
    cell.dataset.edit = JSON.stringify(typed);
    (cell.querySelector(":scope > .value, a[data-record]") ?? cell).replaceChildren(shown);
    cell.classList.add("saving");
    try {
      const answer = await this.inTurn(() => send(this.host.url(cell), typed));
      const at = this.host.find(record, field);
      if (at) this.host.show(at, answer.html);
      if (answer.change) this.offerUndo(`${label} changed`, record, answer.change);
    } catch (error) {
      const at = this.host.find(record, field);
      if (!at) return;
      at.classList.remove("saving");
      at.innerHTML = old.html;
      at.dataset.edit = old.edit;
      const words = (error as Error).message;
      if (!this.open) this.start(at, typed, words);
      else toast(words, { label: "Back to it", run: () => this.start(this.host.find(record, field) ?? at, typed, words) });
    }
  }

  /** Sends one form after the other, so that the last answer shows all that was typed. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work, work);
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private offerUndo(text: string, record: string, change: string): void {
    toast(text, {
      label: "Undo",
      run: async () => {
        try {
          await send(`/undo/${change}`, {});
          await this.host.refresh(record);
        } catch (error) {
          toast((error as Error).message);
        }
      },
    });
  }

  private complain(form: HTMLFormElement, problem: string): void {
    const words = document.createElement("p");
    words.className = "problem";
    words.id = "edit-problem";
    words.setAttribute("role", "alert");
    words.textContent = problem;
    form.append(words);
    const first = form.querySelector("input:not([type=hidden]), textarea, select:not([hidden])");
    first?.setAttribute("aria-invalid", "true");
    first?.setAttribute("aria-describedby", words.id);
  }

  /** Puts the form over its value. */
  private place(): void {
    const { box, cell } = this;
    if (!box || !cell) return;
    const at = cell.getBoundingClientRect();
    const width = Math.min(Math.max(at.width + 2, 220), innerWidth - 16);
    Object.assign(box.style, {
      left: `${Math.max(8, Math.min(at.left - 1, innerWidth - width - 8))}px`,
      top: `${Math.max(8, Math.min(at.top - 1, innerHeight - 60))}px`,
      width: `${width}px`,
    });
  }
}

function fill(form: HTMLFormElement, inputs: Inputs): void {
  for (const [name, value] of Object.entries(inputs)) {
    const input = form.elements.namedItem(name);
    if (input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement || input instanceof HTMLSelectElement) {
      input.value = value;
      if (input instanceof HTMLSelectElement && input.value !== value) add(input, value);
    }
  }
}

/** Adds an option for a value that the list does not have, so that it is not lost. */
function add(select: HTMLSelectElement, value: string): void {
  select.add(new Option(value, value));
  select.value = value;
}

function read(form: HTMLFormElement): Inputs {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

/** Gives what stands in a value's place until the server has answered. */
function preview(form: HTMLFormElement): Node {
  const select = form.querySelector("select");
  const option = select?.selectedOptions[0];
  if (option?.dataset.color !== undefined) {
    const tag = document.createElement("span");
    tag.className = `tag ${option.dataset.color}`;
    tag.textContent = option.label;
    return tag;
  }
  const texts = [...form.querySelectorAll<HTMLInputElement>("input:not([type=hidden]), textarea, select:not([hidden])")].map((input) =>
    input instanceof HTMLSelectElement ? (input.selectedOptions[0]?.label ?? "") : input.value.trim(),
  );
  return document.createTextNode(texts.filter(Boolean).join(" ") || "–");
}

/** Puts the focus on a value: on its link where it has one. */
export function focus(cell: HTMLElement | null): void {
  (cell?.querySelector<HTMLElement>("a[data-record]") ?? cell)?.focus({ preventScroll: true });
  cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
