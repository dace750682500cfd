"use strict";
/* The way of the goods on a map: land from world-atlas, projection and great circles by d3-geo. Without them the plain map stays. */

(() => {
  const box = document.getElementById("map");
  if (!box || !box.dataset.world || !window.d3 || !window.topojson) return;
  const way = JSON.parse(box.dataset.way);
  const SVG = "http://www.w3.org/2000/svg";
  let world = null;

  const made = (name, attributes, within, words) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (words) element.textContent = words;
    within.append(element);
    return element;
  };
  const line = (coordinates) => ({ type: "LineString", coordinates });

  function draw() {
    const width = Math.max(box.clientWidth, 200), height = Math.max(box.clientHeight, 150);
    const legs = [...way.legs, ...way.onward];
    const first = way.points[0].at, last = (way.legs.length ? way.legs[way.legs.length - 1][1] : way.points[way.points.length - 1].at);
    const everything = { type: "GeometryCollection", geometries: [...legs.map(line), line([first, last]), { type: "MultiPoint", coordinates: way.points.map((p) => p.at) }] };
    /* Turned so that the middle of the way is in the middle: no line breaks at the edge of the map. */
    const middle = d3.geoCentroid({ type: "MultiPoint", coordinates: way.points.map((p) => p.at) });
    const projection = d3.geoNaturalEarth1().rotate([-middle[0], 0]);
    const pad = Math.min(70, width / 7);
    projection.fitExtent([[pad, pad * 0.75], [width - pad, height - pad * 0.6]], everything);
    const whole = d3.geoNaturalEarth1().rotate([-middle[0], 0]).fitSize([width, height], { type: "Sphere" });
    /* Never nearer than six times the whole world: two neighbours would otherwise fill the map with one border. */
    const most = whole.scale() * 6;
    if (projection.scale() > most || !isFinite(projection.scale())) {
      const at = d3.geoCentroid(everything);
      projection.scale(most).translate([0, 0]);
      const [x, y] = projection(isFinite(at[0]) ? at : first);
      projection.translate([width / 2 - x, height / 2 - y]);
    }
    projection.clipExtent([[-20, -20], [width + 20, height + 20]]);
    const path = d3.geoPath(projection);
    const old = box.querySelector("svg");
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 " + width + " " + height);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", old.getAttribute("aria-label"));
    made("path", { class: "graticule", d: path(d3.geoGraticule10()) || "" }, svg);
    const names = new Set(way.points.map((p) => p.name));
    for (const country of topojson.feature(world, world.objects.countries).features) {
      const d = path(country);
      if (d) made("path", { class: names.has(country.properties.name) || way.points.some((p) => d3.geoContains(country, p.at)) ? "land on-way" : "land", d }, svg);
    }
    if (way.legs.length > 1) made("path", { class: "direct", d: path(line([first, last])) || "" }, svg);
    for (const leg of way.onward) made("path", { class: "onward", d: path(line(leg)) || "" }, svg);
    for (const leg of way.legs) made("path", { class: "leg", d: path(line(leg)) || "" }, svg);
    const taken = [];
    for (const point of way.points) {
      const [x, y] = projection(point.at);
      made("circle", { class: "station " + point.role + (point.role === "onward" ? " onward-end" : ""), cx: x, cy: y, r: 5 }, svg);
      const left = x > width * 0.62, words = point.name.length > 22 ? point.code : point.name;
      const long = words.length * 7.2;
      let at = y - 9;
      while (taken.some((box) => Math.abs(box.y - at) < 15 && box.from < x + long && box.to > x - long)) at += 15;
      taken.push({ y: at, from: x - (left ? long : 0), to: x + (left ? 0 : long) });
      const text = made("text", { class: "place", x: x + (left ? -8 : 8), y: Math.min(Math.max(at, 14), height - 6), "text-anchor": left ? "end" : "start" }, svg, words);
      if (point.risk) made("tspan", { class: "place-risk" }, text, " ⚠");
    }
    old.replaceWith(svg);
    box.dataset.drawn = "1";
  }

  fetch(box.dataset.world, { credentials: "same-origin" }).then((answer) => answer.json()).then((found) => {
    world = found;
    draw();
    let wait = 0;
    new ResizeObserver(() => { cancelAnimationFrame(wait); wait = requestAnimationFrame(draw); }).observe(box);
  }).catch(() => { box.dataset.drawn = "0"; });
})();
