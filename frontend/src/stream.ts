// The events of one run, from the server's log. Comes back by itself where it left off; ends with `complete`.
// A tab that is not looked at lets go of its connection: browsers give a server only six of them.

const NAMES = ["html", "tool_call", "tool_result", "plan_step", "resumed", "interrupt", "interrupt_response", "stage", "usage", "complete"];
const PAUSES = [500, 1000, 2000, 5000]; // ms before the next try; the last one repeats

export type Data = Record<string, unknown>;

export interface Reader {
  frame(name: string, data: Data): void;
  /** The run is out of reach for good: it is gone, or no longer ours to see. */
  lost(): void;
  /** The connection broke (true), or is there again (false). */
  waiting(broken: boolean): void;
}

export class RunStream {
  private source: EventSource | undefined;
  private last = "";
  private tries = 0;
  private timer = 0;
  private ended = false;

  constructor(
    private readonly run: string,
    private readonly reader: Reader,
  ) {
    document.addEventListener("visibilitychange", this.look);
    this.look();
  }

  close(): void {
    this.ended = true;
    document.removeEventListener("visibilitychange", this.look);
    this.letGo();
  }

  private readonly look = (): void => {
    if (document.hidden) this.letGo();
    else if (!this.source) this.open();
  };

  private letGo(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
  }

  private open(): void {
    this.letGo();
    if (this.ended) return;
    const after = this.last ? `&after=${encodeURIComponent(this.last)}` : "";
    const source = new EventSource(`/api/v1/runs/${this.run}/events?format=html${after}`);
    this.source = source;
    for (const name of NAMES) source.addEventListener(name, (event) => this.take(name, event));
    source.onopen = () => this.reader.waiting(false);
    source.addEventListener("error", (event) => {
      if (event instanceof MessageEvent) this.take("error", event); // a run's own event of that name
      else void this.broken();
    });
  }

  private take(name: string, event: MessageEvent): void {
    this.last = event.lastEventId;
    this.tries = 0;
    if (name === "complete") this.close();
    this.reader.frame(name, JSON.parse(event.data) as Data);
  }

  /** An EventSource that was answered 404 never tries again by itself, so each new try is ours. */
  private async broken(): Promise<void> {
    this.letGo();
    this.reader.waiting(true);
    const status = await fetch(`/api/v1/runs/${this.run}`).then((answer) => answer.status, () => 0);
    if (this.ended || document.hidden) return;
    if (status >= 400 && status < 500) {
      this.close();
      this.reader.lost();
      return;
    }
    const pause = PAUSES[Math.min(this.tries++, PAUSES.length - 1)];
    this.timer = setTimeout(() => this.open(), pause);
  }
}
