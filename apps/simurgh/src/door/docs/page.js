"use strict";

/** An element with text or children; nothing is ever read as HTML. */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** What a reference means. */
function meant(api, value) {
  if (!value || !value.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((part, name) => part && part[name], api);
}

/** An example of a body: beside its schema, or in it. */
function example(api, content) {
  if (!content) return undefined;
  if (content.example !== undefined) return content.example;
  const schema = meant(api, content.schema) || {};
  if (schema.example !== undefined) return schema.example;
  if (schema.examples) return schema.examples[0];
  for (const part of schema.oneOf || schema.anyOf || schema.allOf || []) {
    const found = example(api, { schema: part });
    if (found !== undefined) return found;
  }
  return undefined;
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function parameterRows(api, operation, inputs) {
  return (operation.parameters || []).map((given) => {
    const parameter = meant(api, given);
    const input = make("input", { name: parameter.name });
    if (parameter.in === "path") input.value = parameter.example || "";
    inputs.push({ parameter, input });
    const needed = parameter.required ? " (required)" : "";
    return make("tr", {},
      make("td", {}, make("code", {}, parameter.name), needed, make("br"), parameter.in),
      make("td", {}, parameter.description || ""),
      make("td", {}, input));
  });
}

/** Sends what was filled in and shows what comes back. */
async function send(method, path, inputs, body, shown) {
  const headers = {};
  const query = new URLSearchParams();
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  let target = path;
  for (const { parameter, input } of inputs) {
    const value = input.value.trim();
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (!value) continue;
    else if (parameter.in === "query") query.set(parameter.name, value);
    else headers[parameter.name] = value;
  }
  if (body) headers["Content-Type"] = "application/json";
  const asked = query.size ? `${target}?${query}` : target;
  try {
    const answer = await fetch(asked, { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
    const text = await answer.text();
    let said = text;
    try { said = pretty(JSON.parse(text)); } catch { /* It is shown as it came. */ }
    shown.textContent = `${answer.status} ${answer.statusText}\n\n${said}`;
  } catch (error) {
    shown.textContent = String(error);
  }
}

function responseRows(api, operation) {
  return Object.entries(operation.responses || {}).map(([status, given]) => {
    const response = meant(api, given);
    const content = Object.values(response.content || {})[0];
    const shown = example(api, content);
    const cell = make("td", {}, response.description || "");
    if (shown !== undefined) cell.append(make("details", {}, make("summary", {}, "example"), make("pre", {}, pretty(shown))));
    return make("tr", {}, make("td", {}, status), cell);
  });
}

function operationDetails(api, path, method, operation) {
  const line = make("summary", {},
    make("span", { className: "method" }, method),
    make("code", {}, path),
    make("span", {}, operation.summary || ""));
  const details = make("details", { id: operation.operationId }, line);
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    const permission = operation["x-permission"];
    if (operation.description) details.append(make("p", {}, operation.description));
    if (permission) details.append(make("p", { className: "permission" }, `Needs ${permission}.`));
    const inputs = [];
    const rows = parameterRows(api, operation, inputs);
    if (rows.length) details.append(make("table", {}, ...rows));
    let body = null;
    const content = operation.requestBody && operation.requestBody.content["application/json"];
    if (content) {
      body = make("textarea", { spellcheck: false, value: pretty(example(api, content) || {}), ariaLabel: "Body" });
      details.append(body);
    }
    const shown = make("pre", {});
    const button = make("button", { type: "button" }, "Send");
    button.addEventListener("click", () => send(method, path, inputs, body, shown));
    details.append(make("p", {}, button), shown, make("table", {}, ...responseRows(api, operation)));
  });
  return details;
}

function show(api) {
  const place = document.getElementById("operations");
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  document.getElementById("about").textContent = api.info.description || "";
  const sections = new Map();
  for (const tag of api.tags || []) {
    sections.set(tag.name, make("section", {}, make("h2", {}, tag.name), make("p", {}, tag.description || "")));
  }
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = (operation.tags || ["other"])[0];
      if (!sections.has(tag)) sections.set(tag, make("section", {}, make("h2", {}, tag)));
      sections.get(tag).append(operationDetails(api, path, method, operation));
    }
  }
  place.replaceChildren(...sections.values());
  const search = document.getElementById("search");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase();
    for (const details of place.querySelectorAll("section > details")) {
      details.hidden = !details.firstChild.textContent.toLowerCase().includes(words);
    }
  });
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named) named.open = true;
}

fetch("/v1/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => { document.getElementById("operations").textContent = String(error); });
