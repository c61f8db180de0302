-- No two heads are equal within 20,000 requests: another path, cookie and request id each time, as behind a public
-- address. They are made before the load begins: made one by one, they would keep the client busier than the server,
-- and a server that waits between two requests pays for its sleep.
local count = 20000
local requests = {}

function init(args)
  local head = "GET /items/%d?page=%d HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    .. "Accept: text/html,application/xhtml+xml\r\nCookie: session=%032x; theme=dark\r\nX-Request-Id: %08x-%08x\r\n\r\n"
  for i = 1, count do
    requests[i] = string.format(head, i, i % 50, wrk.headers["Host"], i, i, i * 7)
  end
end

local sent = 0

function request()
  sent = sent % count + 1
  return requests[sent]
end
