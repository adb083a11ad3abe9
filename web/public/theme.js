// Sets the theme before the first paint. Kept apart from the page's modules, because those load
// later, and outside index.html, because the content security policy allows no inline script.
(function () {
  var stored = null;
  try {
    stored = localStorage.getItem("ppolab.theme");
  } catch (_error) {
    // Storage may be switched off; the system's choice serves then.
  }
  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  var theme = stored === "light" || stored === "dark" ? stored : dark ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
})();
