-- Keep the data of a user's pages at one worker, and publish that of all pages.
-- KEYS[1]  the data of pages on the channel at this worker, a hash: uid to JSON objects
-- KEYS[2…] the same at the other live workers, then the presence of the channel at each of them
-- ARGV     uid, JSON objects with commas between them, how many ms the hash lives, control channel,
--          the control message before and after the objects, how many bytes of objects it may have,
--          number of the user's connections at this worker
-- Nothing is published about a user who has left.
local uid, pages, lives, control, head, tail, limit, count = unpack(ARGV)
local others = (#KEYS - 1) / 2
if pages == '' then
  redis.call('HDEL', KEYS[1], uid)
else
  redis.call('HSET', KEYS[1], uid, pages)
  redis.call('PEXPIRE', KEYS[1], lives)
end
local is_present = tonumber(count) > 0
for other = 2, 1 + others do
  is_present = is_present or redis.call('HEXISTS', KEYS[other + others], uid) == 1
  local theirs = redis.call('HGET', KEYS[other], uid)
  if theirs and #pages + #theirs < tonumber(limit) then
    pages = pages == '' and theirs or pages .. ',' .. theirs
  end
end
if is_present then
  redis.call('PUBLISH', control, head .. pages .. tail)
end
