-- Read many histories with one command.
-- KEYS     for each channel, the two keys of history.lua, and that of its touch mark
-- ARGV     for each channel, the first seven arguments of history.lua, the generation, and 1; 0 where
--          only the touch mark is read
-- Returns  for each channel, what history.lua returns, and the touch mark: '' where it is not
--          known. The epoch is '' where that fails, as it does for somebody else's key
local found = redis.pcall('INFO', 'replication')
local server = type(found) == 'string' and string.match(found, 'master_replid:(%w+)') or ''
local answers = {}
for at = 1, #KEYS, 3 do
  local arguments, before = {}, (at - 1) / 3 * 9
  for position = 1, 7 do
    arguments[position] = ARGV[before + position]
  end
  arguments[8], arguments[9] = server, ARGV[before + 8]
  local is_read, answer = false, nil
  if ARGV[before + 9] == '1' then
    is_read, answer = pcall(history, {KEYS[at], KEYS[at + 1]}, arguments)
  end
  answer = is_read and answer or {'', 0, {}}
  local mark = redis.pcall('GET', KEYS[at + 2])
  answer[4] = type(mark) == 'string' and mark or mark == false and '0' or ''
  answers[#answers + 1] = answer
end
return answers
