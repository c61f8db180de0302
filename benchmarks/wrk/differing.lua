-- No two heads are equal: another path, cookie and request id each time, as behind a public address.
local count = 0
local formats = "GET /items/%d?page=%d HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
  .. "Accept: text/html,application/xhtml+xml\r\nCookie: session=%032x; theme=dark\r\nX-Request-Id: %08x-%08x\r\n\r\n"

function request()
  count = count + 1
  return string.format(formats, count, count % 50, wrk.headers["Host"], count, count, count * 7)
end
