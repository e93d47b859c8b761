// The panel beside a page: what htmx puts into it opens it, Esc closes it, Ctrl or Cmd+Enter sends its form.

export function startSide(): void {
  const side = document.querySelector<HTMLDialogElement>("dialog#side");
  if (!side) return;
  document.addEventListener("htmx:after:swap", (event) => {
    const { target } = (event as CustomEvent<{ ctx: { target?: Element } }>).detail.ctx;
    if (target !== side) return;
    if (!side.open) side.show();
    side.querySelector<HTMLElement>("[aria-invalid=true], [autofocus]")?.focus();
  });
  side.addEventListener("keydown", (event) => {
    if (event.key === "Escape") side.close();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) side.querySelector("form")?.requestSubmit();
  });
  side.addEventListener("close", () => document.querySelector<HTMLElement>("#new")?.focus({ preventScroll: true }));
}
