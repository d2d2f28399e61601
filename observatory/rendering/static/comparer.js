/* Territories side by side: a table by theme, a chart, the table as a file. */
"use strict";
(function () {
  const { STATUSES, addScript, element, fillFigure, french, startPrinting, startSearch } = window.OBSERVATORY;
  const root = document.documentElement.dataset.root;
  const MOST = 6;
  const FOLDERS = { cites: "cite", communes: "commune", epci: "epci" };
  const WITHOUT = {
    cite: "par cité", commune: "par commune", epci: "par intercommunalité", basin: "pour le Bassin minier",
    department: "par département", region: "par région", country: "pour la France",
  };
  const KINDS = {
    cite: "Cité minière", commune: "Commune", epci: "Intercommunalité", basin: "Périmètre",
    department: "Département", region: "Région", country: "Pays",
  };
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#332288"];
  const title = document.title;
  const state = { chosen: [], theme: "", graphique: "" };
  const loading = {};
  let territories, form;

  window.OBSERVATORY_COMPARED = {};

  async function file(name) {
    if (!window.OBSERVATORY_COMPARED[name]) {
      loading[name] ??= addScript("assets/comparer/" + name + ".js").finally(() => delete loading[name]);
      await loading[name];
    }
    return window.OBSERVATORY_COMPARED[name];
  }

  const level = (name) => name.split(":")[0];
  const shortName = (name) => territories[name][0];

  /* What the files say of a territory for an indicator: a value or the letter of a status, and whether made. */
  function figure(name, about) {
    const group = window.OBSERVATORY_COMPARED[territories[name][1]];
    const position = group.indicators.indexOf(about.indicator);
    if (position < 0) return { value: "d", fictive: false };
    return {
      value: group.figures[name][position],
      year: group.vintages[position],
      fictive: about.fictive || (group.fictive[name] || []).includes(about.indicator),
    };
  }

  /* Indicators of the theme that one at least of the territories may have. */
  function shown() {
    return window.OBSERVATORY_INDICATORS.filter((about) =>
      about.theme === state.theme && state.chosen.some((name) => about.levels.includes(level(name))));
  }

  function known(about) {
    return state.chosen.map((name) => [name, figure(name, about)]).filter(([, one]) => typeof one.value === "number");
  }

  function drawChosen() {
    const list = document.getElementById("choisis");
    list.replaceChildren(...state.chosen.map((name) => {
      const remove = element("button", "", "✕");
      remove.type = "button";
      remove.setAttribute("aria-label", "Retirer " + shortName(name));
      remove.addEventListener("click", () => {
        state.chosen = state.chosen.filter((one) => one !== name);
        draw().then(() => document.getElementById("ajout").focus());
      });
      return element("li", "", shortName(name) + " ", element("small", "", KINDS[level(name)].toLowerCase()), remove);
    }));
    for (const button of document.querySelectorAll("[data-add]")) {
      button.disabled = state.chosen.includes(button.dataset.add) || state.chosen.length >= MOST;
    }
    const status = document.getElementById("etat");
    if (state.chosen.length < 2) status.textContent = "Choisissez au moins deux territoires.";
    else if (state.chosen.length >= MOST) status.textContent = "Six territoires au plus\u202f: retirez-en un pour en ajouter un autre.";
    else status.textContent = state.chosen.length + " territoires comparés";
  }

  function drawTable(rows) {
    const table = element("table", "figures compare");
    table.id = "tableau-comparaison";
    table.style.setProperty("--columns", String(state.chosen.length));
    table.createCaption().append(state.theme);
    const head = element("tr", "", element("th", "", "Indicateur"));
    for (const name of state.chosen) {
      head.append(element("th", "n", element("span", "level", KINDS[level(name)]), shortName(name)));
    }
    for (const cell of head.cells) cell.scope = "col";
    table.createTHead().append(head);
    table.createTBody().append(...rows.map((about) => {
      const link = element("a", "def", about.label);
      link.href = root + "methodes/index.html#indicateur-" + about.indicator;
      const year = about.vintages[about.vintages.length - 1];
      const header = element("th", "", link, " ", element("small", "", about.unit + ", " + year +
        (about.total ? "\u202f; effectif, non comparé" : "")));
      const without = [...new Set(state.chosen.map(level))].filter((one) => !about.levels.includes(one));
      if (without.length) {
        header.append(element("small", "", "Cet indicateur n’existe pas " + without.map((one) => WITHOUT[one]).join(", ni ") + "."));
      }
      header.scope = "row";
      const row = element("tr", "", header);
      for (const name of state.chosen) {
        const one = figure(name, about);
        const cell = element("td");
        fillFigure(cell, one.value, about, one.fictive);
        row.append(cell);
      }
      return row;
    }));
    document.getElementById("cadre").replaceChildren(table);
  }

  /* Counts follow the size of a territory: only what is compared between territories is charted. */
  function chartable(rows) {
    return rows.filter((about) => about.compared && !about.total && known(about).length > 1);
  }

  /* From zero to the longest bar, with room for the longest text beside it. */
  function room(numbers, texts, width) {
    const low = Math.min(0, ...numbers);
    const high = Math.max(0, ...numbers);
    const needed = 12 + 8 * Math.max(...texts.map((one) => one.length));
    const more = (high - low || 1) * Math.min(1.5, needed / Math.max(60, width - 140 - needed));
    return [low < 0 ? low - more : 0, high > 0 ? high + more : 0];
  }

  async function drawChart(rows) {
    const box = document.getElementById("graphique");
    const choices = chartable(rows);
    const select = form.elements.graphique;
    form.querySelector("[data-chart]").hidden = !choices.length;
    box.hidden = !choices.length;
    if (!choices.length) {
      state.graphique = "";
      return;
    }
    if (!choices.some((about) => about.indicator === state.graphique)) state.graphique = choices[0].indicator;
    select.replaceChildren(...choices.map((about) =>
      new Option(about.label + (about.fictive ? " (fictif)" : ""), about.indicator)));
    select.value = state.graphique;
    const about = choices.find((one) => one.indicator === state.graphique);
    const values = known(about);
    const fictive = values.some(([, one]) => one.fictive);
    const numbers = values.map(([, one]) => one.value);
    document.getElementById("comparabilite").textContent = about.comparability;
    const caption = box.querySelector("figcaption");
    caption.replaceChildren(about.label + " ", element("small", "", about.unit + ", " + values[0][1].year));
    if (fictive) caption.append(" ", element("span", "mark", "fictif"));
    if (!window.Plotly) await (loading.plotly ??= addScript("assets/plotly.min.js"));
    const colours = values.map(([name]) => COLOURS[state.chosen.indexOf(name)]);
    const text = values.map(([, one]) => french(one.value, about.decimals) + (one.fictive ? " (fictif)" : ""));
    const hatching = { shape: "/", fillmode: "replace", fgcolor: colours, bgcolor: colours.map(() => "#ffffff") };
    await window.Plotly.react(box.querySelector(".chart-box"), [{
      type: "bar",
      orientation: "h",
      y: values.map(([name]) => shortName(name)),
      x: values.map(([, one]) => one.value),
      text,
      hovertext: values.map(([name], rank) => shortName(name) + "\u202f: " + text[rank] + "\u00a0" + about.unit),
      hoverinfo: "text",
      textposition: "outside",
      cliponaxis: false,
      marker: fictive ? { color: colours, pattern: hatching, line: { color: colours, width: 1 } } : { color: colours },
    }], {
      height: 90 + 44 * values.length,
      separators: ",\u202f",
      yaxis: { type: "category", autorange: "reversed", automargin: true, ticksuffix: "  " },
      xaxis: { title: { text: about.unit }, zeroline: true, range: room(numbers, text, box.clientWidth), showticklabels: false },
      margin: { l: 8, r: 8, t: 8, b: 40 },
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "#1f2b38" },
      hoverlabel: { bgcolor: "#1f2b38", font: { color: "#ffffff" } },
      annotations: fictive ? [{
        text: "DONNÉES FICTIVES", xref: "paper", yref: "paper", x: 0.5, y: 0.5, showarrow: false, textangle: -18,
        opacity: 0.55, font: { size: box.clientWidth < 480 ? 15 : 24, color: "#a3341f" },
      }] : [],
    }, { displayModeBar: false, responsive: true });
  }

  async function draw() {
    drawChosen();
    remember();
    const failure = document.getElementById("echec");
    failure.hidden = true;
    const asked = state.chosen;
    try {
      await Promise.all(asked.map((name) => file(territories[name][1])));
    } catch {
      failure.hidden = false;
      return;
    }
    if (asked !== state.chosen) return;
    const ready = asked.length > 1;
    form.hidden = !ready;
    document.getElementById("comparaison").hidden = !ready;
    document.getElementById("graphique").hidden = true;
    const rows = ready ? shown() : [];
    const fictive = rows.some((about) => asked.some((name) => figure(name, about).fictive));
    document.getElementById("avis-fictif")?.toggleAttribute("hidden", !fictive);
    document.body.classList.toggle("has-fictive", fictive);
    document.title = fictive ? title.replace(" —", " (données fictives) —") : title;
    if (!ready) return;
    drawTable(rows);
    await drawChart(rows);
    remember();
  }

  /* The table shown, as spreadsheets in French open it: semicolons, decimal commas, quotes everywhere. */
  function download() {
    // A text that starts like a formula is kept from being one; a negative number is none.
    const guarded = (text) => (/^[=+\-@\t\r]/.test(text) && !/^-[\d,]+$/.test(text) ? "'" + text : text);
    const quoted = (text) => '"' + guarded(String(text)).replace(/"/g, '""') + '"';
    const head = ["Thème", "Indicateur", "Unité", "Millésime", "Données fictives"];
    const lines = [[...head, ...state.chosen.map((name) => shortName(name) + " (" + KINDS[level(name)].toLowerCase() + ")")]];
    for (const about of shown()) {
      const figures = state.chosen.map((name) => figure(name, about));
      const made = figures.some((one) => one.fictive) ? "oui" : "non";
      const year = about.vintages[about.vintages.length - 1];
      const values = figures.map((one) => (typeof one.value === "number"
        ? one.value.toFixed(about.decimals).replace(".", ",") : STATUSES[one.value][1]));
      lines.push([state.theme, about.label, about.unit, year, made, ...values]);
    }
    const text = "\ufeff" + lines.map((line) => line.map(quoted).join(";")).join("\r\n") + "\r\n";
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    const slug = window.OBSERVATORY.fold(state.theme).replace(/ /g, "-");
    link.download = "comparaison-" + slug + (document.body.classList.contains("has-fictive") ? "-donnees-fictives" : "") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function remember() {
    const parts = [["t", state.chosen.join(",")], ["theme", state.theme], ["graphique", state.graphique]];
    const kept = parts.filter(([, value]) => value);
    const hash = state.chosen.length
      ? "#" + kept.map(([name, value]) => name + "=" + encodeURIComponent(value).replace(/%3A/g, ":").replace(/%2C/g, ",")).join("&")
      : "#";
    if (window.location.hash !== hash) window.history.replaceState(null, "", hash);
  }

  /* Reads the choices of an address, and leaves out territories and themes that this edition has not. */
  function recall() {
    const asked = new URLSearchParams(window.location.hash.slice(1));
    const names = (asked.get("t") || "").split(",").filter((name) => Object.hasOwn(territories, name));
    state.chosen = [...new Set(names)].slice(0, MOST);
    const themes = Array.from(form.elements.theme.options, (one) => one.value);
    state.theme = themes.includes(asked.get("theme")) ? asked.get("theme") : themes[0];
    state.graphique = asked.get("graphique") || "";
    form.elements.theme.value = state.theme;
  }

  function add(name) {
    if (!territories[name] || state.chosen.includes(name) || state.chosen.length >= MOST) return;
    state.chosen = [...state.chosen, name];
    draw();
  }

  function listen(search) {
    const input = search.querySelector("input");
    startSearch(search, (address) => {
      const [folder, code] = address.split("/");
      input.value = "";
      add(FOLDERS[folder] + ":" + code);
    });
    for (const button of document.querySelectorAll("[data-add]")) {
      button.addEventListener("click", () => add(button.dataset.add));
    }
    form.addEventListener("input", (event) => {
      state[event.target.name] = event.target.value;
      draw();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("telecharger").addEventListener("click", download);
    window.addEventListener("hashchange", () => { recall(); draw(); });
  }

  async function start() {
    form = document.getElementById("reglages");
    const box = document.getElementById("choix");
    try {
      territories = (await file("territoires")).territories;
    } catch {
      document.getElementById("echec").hidden = false;
      return;
    }
    box.hidden = false;
    startPrinting(document.querySelector("#graphique .chart-box"));
    listen(box.querySelector("form"));
    recall();
    await draw();
  }

  document.addEventListener("DOMContentLoaded", start);
})();
