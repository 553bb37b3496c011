-- Read when the newest publications of a channel were published, without what they say.
-- KEYS[1]  the history of the channel
-- KEYS[2]  the position of the channel
-- ARGV     how many
-- Returns  epoch ('': the channel has none), offset, then "<offset> <Unix ms>", oldest first
local position = redis.call('HMGET', KEYS[2], 'epoch', 'offset')
local found = {position[1] or '', tonumber(position[2] or 0)}
local entries = redis.pcall('LRANGE', KEYS[1], -tonumber(ARGV[1]), -1)
for _, entry in ipairs(entries.err and {} or entries) do
  local head = string.match(entry, '^%d+ %d+')
  if head then
    found[#found + 1] = head
  end
end
return found
