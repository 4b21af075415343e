-- Sends the requests of a file in turn, again and again, and tells what went wrong as one
-- line of JSON. Each request is preceded by its size in bytes, on a line of its own.
local requests, at = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local size = file:read("*n")
  while size do
    file:read(1)
    requests[#requests + 1] = file:read(size)
    size = file:read("*n")
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, _, _)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('\n{"refused": %d, "lost": %d}\n', errors.status, lost))
end
