"use strict";
(() => {
  const search = document.getElementById("search");
  const nothing = document.getElementById("nothing");
  const operations = [...document.querySelectorAll("details.operation")];
  const links = new Map(
    [...document.querySelectorAll("nav [data-for]")].map((each) => [each.dataset.for, each])
  );
  const groups = [...document.querySelectorAll("section, article, nav .document")];

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const operation of operations) {
      const fits = words.every((word) => operation.dataset.text.includes(word));
      operation.hidden = !fits;
      links.get(operation.id).hidden = !fits;
      found += fits;
    }
    for (const group of groups) {
      group.hidden = !group.querySelector(
        "details.operation:not([hidden]), li[data-for]:not([hidden])"
      );
    }
    nothing.hidden = found > 0;
  };

  const open = () => {
    const chosen = document.getElementById(location.hash.slice(1));
    if (chosen instanceof HTMLDetailsElement) {
      chosen.open = true;
      chosen.scrollIntoView();
    }
  };

  const remembered = (theme) => {
    try {
      if (theme) localStorage.setItem("theme", theme);
      return localStorage.getItem("theme");
    } catch {
      return theme; // a page from a file may have no storage
    }
  };

  const root = document.documentElement;
  const isDark = () =>
    root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = remembered();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remembered(root.dataset.theme);
  });

  document.addEventListener("click", async (event) => {
    if (!event.target.classList.contains("copy")) return;
    const line = event.target.previousElementSibling.textContent;
    try {
      await navigator.clipboard.writeText(line);
      event.target.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(event.target.previousElementSibling);
      event.target.textContent = "Selected";
    }
    setTimeout(() => { event.target.textContent = "Copy"; }, 1500);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      show();
    }
  });
  search.addEventListener("input", show);
  addEventListener("hashchange", open);
  open();
})();
