// The service and its nodes, for operators.
import type { Network, NodeRow } from "./answers";
import { Charts } from "./charts";
import { Waiting } from "./inbox";
import { rates } from "./state";
import { clock, days, duration, short } from "./words";

function Status({ node }: { node: NodeRow }) {
  return (
    <td data-label="role">
      <span class={`mark ${node.is_well ? "good" : "bad"}`} aria-hidden="true">
        {node.is_primary ? "★" : node.is_well ? "●" : "▲"}
      </span>{" "}
      {node.role}
      {node.trouble && <div class="trouble">{node.trouble}</div>}
    </td>
  );
}

function Line({ node }: { node: NodeRow }) {
  return (
    <tr class={node.is_well ? "" : "unwell"}>
      <th scope="row">
        <code title={node.id}>{short(node.id)}</code>
      </th>
      <td data-label="status">{node.status}</td>
      <Status node={node} />
      <td class="number" data-label="view">{node.view ?? "–"}</td>
      <td class="number" data-label="commit">{node.commit ?? "–"}</td>
      <td class="number" data-label="lag">{node.lag ?? "–"}</td>
      <td class="number" data-label="heard">{node.heard_ms === null ? "–" : duration(node.heard_ms)}</td>
      <td class="number" data-label="certificate ends in">{node.certificate_days === null ? "–" : days(node.certificate_days)}</td>
      <td data-label="address">{node.addresses.join(", ")}</td>
    </tr>
  );
}

/** What the words of the table mean, which are the field's own. */
const WORDS: readonly (readonly [string, string])[] = [
  ["Trusted", "the members let this node take part; Pending: not yet; Retired: not any more"],
  ["view", "the time in which one node leads; each election begins another view"],
  ["commit", "the last transaction that a majority has stored, as view.number: it is final"],
  ["lag", "by how many transactions the node's commit is behind that of the node that leads"],
  ["heard", "how long ago the node that leads heard of this one"],
  ["certificate", "how long the node's certificate still holds"],
  ["–", "not known; the node that leads does not hear of itself"],
];

function Legend() {
  return (
    <details class="legend">
      <summary>What these words mean</summary>
      <dl class="rows">
        {WORDS.map(([word, meaning]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

export function NetworkView({ network }: { network: Network | null }) {
  if (!network) return <p>Asking the nodes …</p>;
  return (
    <>
      <h1 class={network.is_well ? "good" : "bad"} aria-live="polite">
        {network.headline}
      </h1>
      <Waiting />
      <dl class="facts">
        <dt>service</dt>
        <dd>{network.service_status || "unknown"}</dd>
        <dt>committed</dt>
        <dd>{network.seqno === null ? "unknown" : `${network.seqno.toLocaleString("en")} transactions`}</dd>
        <dt>view</dt>
        <dd>{network.nodes.find((node) => node.is_primary)?.view ?? "unknown"}</dd>
        <dt>service's certificate</dt>
        <dd>{network.certificate_days === null ? "unknown" : `ends in ${days(network.certificate_days)}`}</dd>
        <dt>these figures changed last</dt>
        <dd>{clock(network.seen_at)}</dd>
      </dl>
      <div class="wide">
        <table>
          <caption>Nodes</caption>
          <thead>
            <tr>
              <th scope="col">node</th>
              <th scope="col">status</th>
              <th scope="col">role</th>
              <th scope="col" class="number" title="the time in which one node leads">view</th>
              <th scope="col" class="number" title="the last transaction that a majority has stored">commit</th>
              <th scope="col" class="number" title="transactions behind the primary's commit">lag</th>
              <th scope="col" class="number" title="how long ago the primary heard of it">heard</th>
              <th scope="col" class="number" title="until its certificate ends">certificate</th>
              <th scope="col">address</th>
            </tr>
          </thead>
          <tbody>
            {network.nodes.map((node) => (
              <Line key={node.id} node={node} />
            ))}
          </tbody>
        </table>
      </div>
      {network.nodes.length > 0 && <Legend />}
      <Charts rates={rates.value} hasBackups={network.nodes.length > 1} />
    </>
  );
}
