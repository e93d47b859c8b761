// One turn on the page: paints the stream's frames into its answer, shows what is going on, counts seconds.

import type { Data } from "./stream";

export class Painter {
  private readonly answer: HTMLElement;
  private fresh = true;

  constructor(private readonly turn: HTMLElement) {
    this.answer = turn.querySelector(".answer") as HTMLElement;
  }

  paint(name: string, data: Data): void {
    if (this.fresh) this.answer.replaceChildren(); // the stream tells the whole turn again
    this.fresh = false;
    const html = String(data.html ?? "");
    if (name === "html") this.block(Number(data.seg), Number(data.i), html);
    else if (name === "tool_result" || name === "tool_call") this.card(String(data.card), html);
    else if (name === "resumed") this.forget(Number(data.seg), Number(data.plans));
    else if (name === "plan_step") this.answer.insertAdjacentHTML("beforeend", html);
    else if (name === "interrupt" || name === "interrupt_response") this.request(String(data.request_id), html);
    else if (name === "complete") this.end(html);
    if (name === "html" || name === "tool_call" || name === "interrupt") status(this.turn, "");
    if (name === "tool_result" || name === "interrupt_response" || name === "resumed") status(this.turn, "Thinking…");
  }

  /** Puts block `i` of text `seg`; empty HTML takes it away. */
  private block(seg: number, i: number, html: string): void {
    const text = this.answer.querySelector(`:scope > [data-seg="${seg}"]`) ?? this.add("md", "seg", seg, this.answer);
    const block = text.querySelector(`:scope > [data-i="${i}"]`);
    if (!html) block?.remove();
    else (block ?? this.add("", "i", i, text)).innerHTML = html;
  }

  private add(name: string, key: string, value: number, to: Element): HTMLElement {
    const made = document.createElement("div");
    if (name) made.className = name;
    made.dataset[key] = String(value);
    to.append(made);
    return made;
  }

  /** Another process goes on: what it tells anew is taken away. */
  private forget(seg: number, plans: number): void {
    for (const text of this.answer.querySelectorAll<HTMLElement>(":scope > [data-seg]")) if (Number(text.dataset.seg) >= seg) text.remove();
    for (const plan of [...this.answer.querySelectorAll(":scope > .plan")].slice(plans)) plan.remove();
  }

  private card(key: string, html: string): void {
    const old = this.answer.querySelector<HTMLDetailsElement>(`.tool[data-call="${CSS.escape(key)}"]`);
    if (!old) return this.answer.insertAdjacentHTML("beforeend", html);
    const open = old.open;
    old.insertAdjacentHTML("afterend", html);
    const fresh = old.nextElementSibling as HTMLDetailsElement;
    old.remove();
    fresh.open = open;
  }

  /** Puts the card of a request in the place of the one it had, if it had one. */
  private request(id: string, html: string): void {
    const old = this.answer.querySelector<HTMLElement>(`.request[data-request="${CSS.escape(id)}"]`);
    if (old) old.outerHTML = html;
    else this.answer.insertAdjacentHTML("beforeend", html);
    window.htmx.process(this.answer);
  }

  private end(html: string): void {
    for (const card of this.answer.querySelectorAll<HTMLElement>('.tool[data-status="running"]')) {
      card.dataset.status = "stopped";
      card.querySelector(".took")?.replaceChildren("stopped");
    }
    this.turn.insertAdjacentHTML("beforeend", html);
  }
}

/** Says what is going on below the answer; nothing for an empty text. */
export function status(turn: HTMLElement, text: string): void {
  let line = turn.querySelector(":scope > .status");
  if (!text) return line?.remove();
  if (!line) {
    line = document.createElement("p");
    line.className = "status";
  }
  line.textContent = text;
  turn.append(line);
}

/** Shows the seconds that running tools have taken. */
export function tick(turn: HTMLElement): void {
  for (const clock of turn.querySelectorAll<HTMLElement>("[data-elapsed]")) {
    clock.dataset.since ??= String(performance.now() - Number(clock.dataset.elapsed));
    clock.textContent = `${((performance.now() - Number(clock.dataset.since)) / 1000).toFixed(1)} s`;
  }
}
