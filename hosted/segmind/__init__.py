"""The hosted engine: Segmind's `faceswap-v3-multifaceswap` with the same settings as the models of this machine.

settings.py       the API's settings: names, values, ranges, defaults, in one table
errors.py         one exception a documented status, and what to do about each
key.py            the API key, which is never shown, and where it is found
endpoint.py       the API's addresses, and which addresses results may come from
connections.py    connections that are checked before anything is sent
answers.py        an answer, and whether a broken one is whole
transport.py      one HTTP exchange within limits of size and time
lenient_json.py   JSON of which a part may be unreadable
retry.py          which failures are worth another try
deadline.py       time limit and stop button of a job
media.py          pictures on their way to the API and back
responses.py      what the API's JSON says
api.py            the API's calls, each with the tries it may have
uploads.py        pictures as lasting URLs, each uploaded once
journal.py        requests and results on disk, so that nothing is paid twice
entries.py        what it notes of a job
journal_files.py  its files, and what else may lie there
payment.py        which answers cost nothing, and what a failure means for the next run
job.py            what is asked, and what comes of it
polling.py        waiting for what was accepted
runner.py         how one swap goes
client.py         SegmindClient.swap: one picture
batch.py          swap_all: many
"""
