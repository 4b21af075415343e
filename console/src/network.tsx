// The service and its nodes, for operators.
import type { Network, NodeRow } from "./answers";
import { Charts } from "./charts";
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

export function NetworkView({ network }: { network: Network | null }) {
  if (!network) return <p>Asking the nodes …</p>;
  return (
    <>
      <h1 class={network.is_well ? "good" : "bad"} aria-live="polite">
        {network.headline}
      </h1>
      <dl class="facts">
        <dt>service</dt>
        <dd>{network.service_status || "unknown"}</dd>
        <dt>committed</dt>
        <dd>{network.seqno === null ? "unknown" : `${network.seqno.toLocaleString("en")} transactions`}</dd>
        <dt>service's certificate</dt>
        <dd>{network.certificate_days === null ? "unknown" : `ends in ${days(network.certificate_days)}`}</dd>
        <dt>last change seen</dt>
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
              <th scope="col" class="number">view</th>
              <th scope="col" class="number">commit</th>
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
      <Charts rates={rates.value} />
    </>
  );
}
