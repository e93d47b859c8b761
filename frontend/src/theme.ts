// Light or dark: what the member chose, else what the system says. The choice is kept in this browser.
// The line that sets it before the first paint is templates/shell/theme.js.

export type Choice = "light" | "dark" | "system";

const KEY = "metierTheme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function choice(): Choice {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function choose(wanted: Choice): void {
  if (wanted === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, wanted);
  apply();
}

export function toggle(): void {
  choose(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

function apply(): void {
  const kept = choice();
  document.documentElement.dataset.theme = kept === "system" ? (dark.matches ? "dark" : "light") : kept;
  showPressed();
  document.dispatchEvent(new CustomEvent("metier:theme"));
}

/** Shows the choice on the profile page's three buttons. */
function showPressed(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice()));
  }
}

export function startTheme(): void {
  dark.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === KEY && apply());
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-theme-toggle], [data-theme-choice]");
    if (!button) return;
    if (button.dataset.themeChoice) choose(button.dataset.themeChoice as Choice);
    else toggle();
  });
  showPressed();
}
