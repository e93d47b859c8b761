// <m-chat>: sends without leaving the page, paints answers while they are written, stops them, keeps drafts.
// Everything in it also works as plain forms and links.

import { post, refreshFrame } from "./http";
import { isToSend, newKey } from "./once";
import { type Reader, RunStream } from "./stream";
import { Painter, status, tick } from "./turn";

const NEAR = 80; // px from the end within which the page follows the answer
const WAIT = "Wait for the answer, or stop it, then send.";
const ANSWER_FIRST = "Answer what is asked above, or stop it, then send.";

interface Message {
  thread: string;
  text: string;
  key: string;
}

class Chat extends HTMLElement {
  private log!: HTMLElement;
  private turns!: HTMLElement;
  private form!: HTMLFormElement;
  private text!: HTMLTextAreaElement;
  private jump!: HTMLButtonElement;
  private following = true;
  private stream: RunStream | undefined;
  private ticking = 0;
  private unsure: Message | undefined; // sent, and nobody knows whether it came
  private life = new AbortController();

  connectedCallback(): void {
    this.life = new AbortController();
    this.log = this.find(".log");
    this.turns = this.find(".turns");
    this.form = this.find(".composer");
    this.text = this.find("textarea");
    this.jump = this.find(".jump");
    this.listen();
    if (!this.text.value) this.text.value = localStorage.getItem(this.draftKey) ?? "";
    this.grow();
    this.toEnd();
    const live = this.turns.querySelector<HTMLElement>(".turn[data-live]");
    if (live) this.follow(live);
    if (!this.dataset.thread && isToSend()) {
      history.replaceState(null, "", "/chat");
      void this.send(this.text.value);
    }
  }

  disconnectedCallback(): void {
    this.life.abort();
    this.stream?.close();
    clearInterval(this.ticking);
  }

  private listen(): void {
    const { signal } = this.life;
    this.addEventListener("submit", (event) => this.submitted(event), { signal });
    this.text.addEventListener("keydown", (event) => this.typed(event), { signal });
    this.text.addEventListener("input", () => this.changed(), { signal });
    this.log.addEventListener("scroll", () => this.scrolled(), { signal, passive: true });
    this.jump.addEventListener("click", () => this.toEnd(), { signal });
    addEventListener("resize", () => this.keepUp(), { signal });
  }

  private find<T extends HTMLElement>(selector: string): T {
    return this.querySelector<T>(selector) as T; // chat.html has it
  }

  // writing

  private get draftKey(): string {
    return `metierDraft:${this.dataset.thread ?? "new"}`;
  }

  private typed(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  private changed(): void {
    this.grow();
    this.say("");
    if (this.text.value) localStorage.setItem(this.draftKey, this.text.value);
    else localStorage.removeItem(this.draftKey);
  }

  private grow(): void {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, innerHeight * 0.4)}px`;
  }

  private say(problem: string): void {
    const place = this.find(".composer .problem");
    place.textContent = problem;
    place.hidden = !problem;
  }

  private submitted(event: SubmitEvent): void {
    const form = event.target as HTMLFormElement;
    if (form.id === "stop-form") {
      event.preventDefault();
      void this.stop();
    } else if (form === this.form || form.hasAttribute("data-send")) {
      event.preventDefault();
      const given = new FormData(form, event.submitter).get("text");
      void this.send(typeof given === "string" ? given : "");
    }
  }

  // sending

  private async send(text: string): Promise<void> {
    if (!text.trim()) return;
    if (this.dataset.state === "busy") return this.say(this.querySelector(".request[data-status=open]") ? ANSWER_FIRST : WAIT);
    const written = this.text.value === text;
    const turn = this.addTurn(text);
    if (written) this.clear();
    this.setState("busy");
    if (matchMedia("(hover: hover)").matches) this.text.focus({ preventScroll: true });
    try {
      const fresh = !this.dataset.thread;
      const thread = this.dataset.thread ?? (await this.begin());
      const { key } = (this.unsure = this.message(thread, text));
      const run = await post(`/api/v1/threads/${thread}/messages`, { text }, key);
      this.unsure = undefined;
      turn.dataset.run = String(run.run_id);
      this.follow(turn);
      if (fresh) void refreshFrame(`/chat/${thread}`);
    } catch (error) {
      this.takeBack(turn, text, (error as Error).message);
    }
  }

  /** Gives what is sent its key: the one it had before, if it is sent again. */
  private message(thread: string, text: string): Message {
    const again = this.unsure?.thread === thread && this.unsure.text === text;
    return again && this.unsure ? this.unsure : { thread, text, key: newKey() };
  }

  /** Makes the thread that a new chat does not have yet. */
  private async begin(): Promise<string> {
    const chosen = new FormData(this.form);
    const thread = await post("/api/v1/threads", { agent: chosen.get("agent") ?? this.dataset.agent, model: chosen.get("model") || null });
    const id = String(thread.id);
    this.dataset.thread = id;
    this.form.action = `/chat/${id}`;
    this.find<HTMLFormElement>("#stop-form").action = `/chat/${id}/stop`;
    for (const pick of this.form.querySelectorAll("select")) pick.replaceWith(pick.selectedOptions[0]?.text ?? ""); // for good
    history.replaceState(null, "", `/chat/${id}`);
    return id;
  }

  private addTurn(text: string): HTMLElement {
    for (const old of this.turns.querySelectorAll<HTMLElement>(":scope > :not(.turn)")) old.hidden = true;
    for (const form of this.turns.querySelectorAll(".end form")) form.remove(); // only the last turn offers Retry
    const made = this.find<HTMLTemplateElement>("#chat-turn").content.cloneNode(true) as DocumentFragment;
    const turn = made.firstElementChild as HTMLElement;
    (turn.querySelector(".said-by-me") as HTMLElement).textContent = text;
    this.turns.append(turn);
    this.classList.remove("new");
    status(turn, "Thinking…");
    this.toEnd();
    return turn;
  }

  private clear(): void {
    localStorage.removeItem(this.draftKey);
    this.text.value = "";
    this.changed();
  }

  /** A message that was not accepted goes back to where it was written. */
  private takeBack(turn: HTMLElement, text: string, problem: string): void {
    turn.remove();
    this.setState("idle");
    for (const old of this.turns.querySelectorAll<HTMLElement>(":scope > :not(.turn)")) old.hidden = false;
    this.classList.toggle("new", !this.turns.querySelector(".turn"));
    if (!this.text.value) this.text.value = text;
    this.changed();
    this.say(problem);
    this.text.focus();
  }

  private setState(state: "busy" | "idle"): void {
    this.dataset.state = state;
    this.find<HTMLButtonElement>(".halt").disabled = false;
  }

  private async stop(): Promise<void> {
    const turn = this.turns.querySelector<HTMLElement>(".turn:last-of-type");
    if (!turn?.dataset.run) return;
    this.find<HTMLButtonElement>(".halt").disabled = true;
    status(turn, "Stopping…");
    await post(`/api/v1/runs/${turn.dataset.run}/stop`, {}).catch((error: Error) => {
      this.say(error.message);
      this.setState("busy");
    });
  }

  // reading

  private follow(turn: HTMLElement): void {
    this.setState("busy");
    turn.removeAttribute("data-live");
    status(turn, "Thinking…");
    const painter = new Painter(turn);
    const reader: Reader = {
      frame: (name, data) => {
        painter.paint(name, data);
        if (name === "complete") this.ended(turn);
        this.keepUp();
      },
      waiting: (broken) => status(turn, broken ? "The connection broke. Trying again…" : turn.querySelector(".status") ? "Thinking…" : ""),
      lost: () => {
        turn.append(this.lostNote(turn));
        this.ended(turn);
      },
    };
    this.stream?.close();
    this.stream = new RunStream(turn.dataset.run ?? "", reader);
    clearInterval(this.ticking);
    this.ticking = setInterval(() => tick(turn), 100);
  }

  private ended(turn: HTMLElement): void {
    clearInterval(this.ticking);
    status(turn, "");
    turn.setAttribute("aria-busy", "false");
    this.setState("idle");
    this.keepUp();
  }

  private lostNote(turn: HTMLElement): Node {
    const note = this.find<HTMLTemplateElement>("#chat-lost").content.cloneNode(true) as DocumentFragment;
    (note.querySelector("p") as HTMLElement).textContent = "The answer was interrupted: the server no longer knows of it.";
    (note.querySelector("form") as HTMLFormElement).action = this.form.action;
    (note.querySelector("input") as HTMLInputElement).value = turn.querySelector(".said-by-me")?.textContent ?? "";
    return note;
  }

  // scrolling: the page follows the answer until somebody scrolls up

  private scrolled(): void {
    this.following = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR;
    this.jump.hidden = this.following;
  }

  private keepUp(): void {
    if (this.following) this.toEnd();
    else this.scrolled();
  }

  private toEnd(): void {
    this.following = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.jump.hidden = true;
  }
}

customElements.define("m-chat", Chat);
