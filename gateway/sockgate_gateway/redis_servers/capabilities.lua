-- Try commands as scripts run them, on a key that holds nothing afterwards.
-- KEYS[1]  a key of our own
-- ARGV     Redis channel, then one command each, with spaces between its words; KEY and CHANNEL stand for these
-- Returns  for each command, the error; '' where it has worked
local function try(line)
  local words = {}
  for word in string.gmatch(line, '%S+') do
    words[#words + 1] = word == 'KEY' and KEYS[1] or word == 'CHANNEL' and ARGV[1] or word
  end
  local reply = redis.pcall(unpack(words))
  redis.pcall('DEL', KEYS[1])
  return type(reply) == 'table' and reply.err or ''
end
local errors = {}
for at = 2, #ARGV do
  errors[#errors + 1] = try(ARGV[at])
end
return errors
