// Asking the server from a page.

type Answer = Record<string, unknown>;

/** Posts JSON to the API; throws an Error that says in words what was wrong. With a `key` it is done once however often it is asked. */
export async function post(url: string, body: Answer, key?: string): Promise<Answer> {
  const headers = { "Content-Type": "application/json", ...(key && { "Idempotency-Key": key }) };
  let answer: Response;
  try {
    answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    throw new Error("The server did not answer. Your text is kept; try again.");
  }
  const told = (await answer.json().catch(() => ({}))) as Answer;
  if (!answer.ok) throw new Error([told.message ?? `The server answered ${answer.status}.`, told.cure ?? ""].join(" ").trim());
  return told;
}

/** Renews what is around the page's content: title, header and the sidebar's list, as the page at `url` has them. */
export async function refreshFrame(url: string): Promise<void> {
  const answer = await fetch(url).catch(() => undefined);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  for (const part of ["main > .head", "#sidebar > .scroll"]) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (old && fresh) old.replaceWith(fresh);
  }
}

/** Posts a form as a page without scripts would; gives what is shown instead, and what undoes it. */
export async function send(url: string, inputs: Record<string, string> | URLSearchParams): Promise<{ html: string; change: string | null }> {
  const headers = { "HX-Request": "true", Accept: "text/html" };
  let answer: Response;
  try {
    answer = await fetch(url, { method: "POST", headers, body: inputs instanceof URLSearchParams ? inputs : new URLSearchParams(inputs) });
  } catch {
    throw new Error("The server did not answer. Try again.");
  }
  if (answer.redirected || answer.status === 401) location.reload(); // signed out meanwhile
  const text = await answer.text();
  if (!answer.ok) throw new Error(told(text) ?? `The server answered ${answer.status}.`);
  return { html: text, change: answer.headers.get("Metier-Change") };
}

interface Refusal {
  message?: string;
  cure?: string;
  errors?: { problem: string }[];
}

/** Says in words why the server refused. */
function told(text: string): string | undefined {
  try {
    const { message, cure, errors } = JSON.parse(text) as Refusal;
    const problem = errors?.length === 1 ? errors[0]?.problem : undefined;
    const words = [problem ?? message, cure].filter(Boolean).join(" ");
    return words.charAt(0).toUpperCase() + words.slice(1);
  } catch {
    return undefined;
  }
}
