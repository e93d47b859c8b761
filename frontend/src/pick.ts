// <m-pick>: choosing one of several, by typing. Around a <select>: its options. Around a relation's two inputs (the id,
// hidden, and the name): records found by name. What is chosen is told by the event "picked".

interface Choice {
  value: string;
  label: string;
  color?: string | undefined;
}

const MOST = 8; // records offered at a time
const WAIT_MS = 120; // after a letter, before the server is asked

let made = 0;

class Picker extends HTMLElement {
  private input!: HTMLInputElement;
  private list!: HTMLUListElement;
  private readonly aborter = new AbortController();
  private shown: Choice[] = [];
  private at = -1;
  private timer = 0;
  private asked = 0;

  connectedCallback(): void {
    if (this.list) return;
    const select = this.querySelector("select");
    this.input = select ? this.instead(select) : this.querySelector<HTMLInputElement>("input:not([type=hidden])")!;
    this.list = document.createElement("ul");
    this.list.id = `pick-${++made}`;
    this.list.className = "pick-list";
    this.list.popover = "manual";
    this.list.setAttribute("role", "listbox");
    this.append(this.list);
    this.input.setAttribute("role", "combobox");
    this.input.setAttribute("aria-expanded", "false");
    this.input.setAttribute("aria-controls", this.list.id);
    this.input.setAttribute("aria-autocomplete", "list");
    const { signal } = this.aborter;
    this.input.addEventListener("focus", () => this.open(), { signal });
    this.input.addEventListener("click", () => this.open(), { signal });
    this.input.addEventListener("input", () => this.search(), { signal });
    this.input.addEventListener("keydown", (event) => this.key(event), { signal });
    this.input.addEventListener("blur", () => this.leave(), { signal });
    this.list.addEventListener("mousedown", (event) => event.preventDefault(), { signal }); // the input keeps the focus
    this.list.addEventListener("click", (event) => this.take(event), { signal });
    addEventListener("scroll", () => this.place(), { signal, capture: true, passive: true });
    if (document.activeElement === this.input) this.open();
  }

  disconnectedCallback(): void {
    this.aborter.abort();
    clearTimeout(this.timer);
  }

  /** Puts a text field in the place of the select, which goes on holding the value. */
  private instead(select: HTMLSelectElement): HTMLInputElement {
    const input = document.createElement("input");
    input.className = "input";
    input.autocomplete = "off";
    input.id = select.id;
    input.setAttribute("aria-label", select.getAttribute("aria-label") ?? "");
    for (const name of ["aria-invalid", "aria-describedby", "autofocus"]) {
      const value = select.getAttribute(name);
      if (value !== null) input.setAttribute(name, value);
    }
    select.removeAttribute("id");
    select.removeAttribute("autofocus");
    select.hidden = true;
    select.before(input);
    this.sync();
    select.addEventListener("change", () => this.sync(), { signal: this.aborter.signal });
    return input;
  }

  /** Shows the name of the value that is held. */
  private sync(): void {
    const select = this.querySelector("select");
    const input = this.querySelector<HTMLInputElement>("input:not([type=hidden])");
    if (select && input) input.value = select.value ? (select.selectedOptions[0]?.label ?? "") : "";
  }

  private get value(): string {
    return (this.querySelector("select") ?? this.querySelector<HTMLInputElement>("input[type=hidden]"))?.value ?? "";
  }

  private open(): void {
    if (this.list.matches(":popover-open")) return;
    this.list.showPopover();
    this.input.setAttribute("aria-expanded", "true");
    this.place();
    this.input.select();
    void this.find("");
  }

  private close(): void {
    if (this.list.matches(":popover-open")) this.list.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  private place(): void {
    if (!this.list.matches(":popover-open")) return;
    const box = this.input.getBoundingClientRect();
    const height = this.list.offsetHeight;
    const below = box.bottom + 4 + height <= innerHeight || box.top < height;
    Object.assign(this.list.style, {
      left: `${Math.max(8, Math.min(box.left, innerWidth - Math.max(box.width, 200) - 8))}px`,
      top: `${below ? box.bottom + 4 : box.top - 4 - height}px`,
      minWidth: `${Math.max(box.width, 200)}px`,
    });
  }

  private leave(): void {
    this.close();
    this.sync();
  }

  private search(): void {
    this.open();
    clearTimeout(this.timer);
    if (this.dataset.object) this.timer = window.setTimeout(() => void this.find(this.input.value), WAIT_MS);
    else void this.find(this.input.value);
  }

  private async find(text: string): Promise<void> {
    const turn = ++this.asked;
    const found = this.dataset.object ? await this.records(text.trim()) : this.options(text.trim());
    if (turn === this.asked && this.isConnected) this.show(found, text.trim());
  }

  private options(text: string): Choice[] {
    const wanted = text.toLowerCase();
    return [...(this.querySelector("select")?.options ?? [])]
      .filter((option) => option.value && option.label.toLowerCase().includes(wanted))
      .map((option) => ({ value: option.value, label: option.label, color: option.dataset.color }));
  }

  private async records(text: string): Promise<Choice[]> {
    const { object = "", title = "" } = this.dataset;
    const query = new URLSearchParams({ limit: String(MOST), select: title });
    if (text) query.set("where", JSON.stringify({ [title]: { contains: text } }));
    if (text) query.set("sort", title);
    const answer = await fetch(`/api/v1/records/${object}?${query}`).catch(() => undefined);
    if (!answer?.ok) return [];
    const { data } = (await answer.json()) as { data: Record<string, unknown>[] };
    const found = data.map((record) => ({ value: String(record.id), label: named(record[title]) }));
    const begins = (choice: Choice): number => Number(!choice.label.toLowerCase().startsWith(text.toLowerCase()));
    return text ? found.sort((a, b) => begins(a) - begins(b)) : found;
  }

  private show(found: Choice[], text: string): void {
    const clear = this.value && !text ? [{ value: "", label: "Nothing" }] : [];
    this.shown = [...found, ...clear];
    this.list.replaceChildren(...this.shown.map((choice, place) => this.item(choice, place)));
    if (!this.shown.length) this.list.append(none());
    this.mark(text ? 0 : this.shown.findIndex((choice) => choice.value === this.value));
    this.place();
  }

  private item(choice: Choice, place: number): HTMLLIElement {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${place}`;
    item.setAttribute("role", "option");
    item.dataset.place = String(place);
    const words = document.createElement("span");
    words.textContent = choice.label;
    words.className = choice.value === "" ? "muted" : choice.color === undefined ? "text" : `tag ${choice.color}`;
    item.append(words);
    return item;
  }

  private mark(place: number): void {
    this.at = Math.min(place, this.shown.length - 1);
    for (const item of this.list.querySelectorAll("[role=option]")) {
      const on = item.id === `${this.list.id}-${this.at}`;
      item.setAttribute("aria-selected", String(on));
      if (on) item.scrollIntoView({ block: "nearest" });
    }
    if (this.at >= 0) this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.open();
      const count = this.shown.length || 1;
      this.mark((this.at + (event.key === "ArrowDown" ? 1 : -1) + count) % count);
    } else if (event.key === "Enter" && this.list.matches(":popover-open") && this.shown[this.at]) {
      event.preventDefault();
      event.stopPropagation();
      this.choose(this.shown[this.at]!);
    } else if (event.key === "Escape" && this.list.matches(":popover-open") && !this.closest(".editing")) {
      event.stopPropagation();
      this.leave();
    } else if (event.key === "Tab" && this.list.matches(":popover-open") && this.input.value && this.shown[this.at]) {
      this.hold(this.shown[this.at]!);
    }
  }

  private take(event: Event): void {
    const place = (event.target as Element).closest<HTMLElement>("[data-place]")?.dataset.place;
    const choice = place === undefined ? undefined : this.shown[Number(place)];
    if (choice) this.choose(choice);
  }

  private choose(choice: Choice): void {
    this.hold(choice);
    this.close();
    this.dispatchEvent(new CustomEvent("picked", { bubbles: true }));
  }

  private hold(choice: Choice): void {
    const select = this.querySelector("select");
    const id = this.querySelector<HTMLInputElement>("input[type=hidden]");
    if (select) select.value = choice.value;
    if (id) id.value = choice.value;
    this.input.value = choice.value ? choice.label : "";
  }
}

function none(): HTMLLIElement {
  const item = document.createElement("li");
  item.className = "none";
  item.textContent = "Nothing found";
  return item;
}

/** Gives the name of a record by the value of its title field. */
function named(title: unknown): string {
  if (title && typeof title === "object") return Object.values(title).filter(Boolean).join(" ");
  return typeof title === "string" && title ? title : "Unnamed";
}

customElements.define("m-pick", Picker);
