-- Read many histories with one command.
-- KEYS     for each channel, the two keys of history.lua
-- ARGV     for each channel, the first seven arguments of history.lua, and the generation
-- Returns  for each channel, what history.lua returns; nil where that fails, as it does for
--          somebody else's key
local found = redis.pcall('INFO', 'replication')
local server = type(found) == 'string' and string.match(found, 'master_replid:(%w+)') or ''
local answers = {}
for at = 1, #KEYS, 2 do
  local arguments, before = {}, (at - 1) / 2 * 8
  for position = 1, 7 do
    arguments[position] = ARGV[before + position]
  end
  arguments[8], arguments[9] = server, ARGV[before + 8]
  local is_read, answer = pcall(history, {KEYS[at], KEYS[at + 1]}, arguments)
  answers[#answers + 1] = is_read and answer
end
return answers
