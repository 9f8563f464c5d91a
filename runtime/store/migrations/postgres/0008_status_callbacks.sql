-- JSON: where the statuses of a message are reported in Twilio's format. Absent unless the message came with such a URL.
ALTER TABLE messages ADD COLUMN status_callback TEXT;
