// Asking the server from a page.

type Answer = Record<string, unknown>;

/** Posts JSON to the API; throws an Error that says in words what was wrong. */
export async function post(url: string, body: Answer): Promise<Answer> {
  let answer: Response;
  try {
    answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
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
