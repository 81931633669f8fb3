-- name: find
-- Kept under another key: the customer was joined with another meanwhile, and the model is asked again.
select reply_sealed from model_replies
where turn_id = %(turn_id)s and prompt_hash = %(prompt_hash)s and key_id = %(key_id)s;

-- name: keep
insert into model_replies (turn_id, prompt_hash, key_id, reply_sealed)
values (%(turn_id)s, %(prompt_hash)s, %(key_id)s, %(reply_sealed)s)
on conflict do nothing;
