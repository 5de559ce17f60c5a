#!/usr/bin/env bash
# A user's day with MediaPackage and the AWS CLI: run it as it is against AWS, or with --endpoint-url against Understudy.
#
#   AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_DEFAULT_REGION=eu-west-1 \
#       examples/users_day.sh --endpoint-url http://127.0.0.1:7070
#
# What is given to it goes to the AWS CLI. It needs curl and an FFmpeg ($FFMPEG), which plays the part of both encoders.
# Everything it makes, it deletes; only what it harvests stays in its bucket, where $BUCKET names one.
set -euo pipefail

AWS=("${AWS_CLI:-aws}" "$@" --output text mediapackage)
FFMPEG=${FFMPEG:-ffmpeg}
NAME=${NAME:-users-day-cli}
SEGMENT=2
ENCODERS=()
trap 'kill -9 "${ENCODERS[@]}" 2>/dev/null || true' EXIT

say() { echo "$(date +%T) $*"; }
mediapackage() { "${AWS[@]}" "$@"; }

refused() { # refused <error> <operation> …: what must be refused, with this error of the service model
    local error=$1 told
    shift
    if told=$(mediapackage "$@" 2>&1 >/dev/null); then
        echo "$error was expected of $*" >&2
        exit 1
    fi
    grep -q "$error" <<<"$told" || { echo "$told" >&2; exit 1; }
    say "refused, as it must be: ${told##*operation: }"
}

until_it() { # until_it <what> <command> …: wait until it succeeds, for a minute
    local what=$1
    shift
    for _ in $(seq 120); do
        if "$@"; then say "$what"; return; fi
        sleep 0.5
    done
    echo "not within a minute: $what" >&2
    exit 1
}

start_encoder() { # start_encoder <url> <user name> <password>: a test picture, cut at whole multiples of two seconds
    local url=${1/:\/\//:\/\/$2:$3@} first=$(( $(date +%s) / SEGMENT + 1 ))
    while [ "$(date +%s)" -lt $((first * SEGMENT)) ]; do sleep 0.01; done
    "$FFMPEG" -hide_banner -loglevel error -nostdin \
        -re -f lavfi -i testsrc2=size=320x180:rate=25 -re -f lavfi -i sine=sample_rate=48000 \
        -c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 300k \
        -g $((25 * SEGMENT)) -keyint_min $((25 * SEGMENT)) -sc_threshold 0 -c:a aac -b:a 64k \
        -output_ts_offset $((first * SEGMENT)) -start_number $first \
        -f hls -hls_time $SEGMENT -hls_list_size 10 -hls_flags program_date_time \
        -hls_segment_filename "${url}_1_%d.ts" -master_pl_name channel.m3u8 \
        -method PUT -http_persistent 1 "${url}_1.m3u8" >/dev/null 2>&1 &
    ENCODERS+=($!)
}

playlist() { # playlist <url>: the media playlist of the first variant, its lines as URLs
    local variant
    variant=$(curl -fsS "$1" 2>/dev/null | grep -v '^#' | head -1) || return 1
    curl -fsS "${1%/*}/$variant" 2>/dev/null
}

watch_again() { # watch_again <url> <start> <end>: what was on between two instants, whole and with an end
    local variant listed segment
    variant=$(curl -fsS "$1?start=$2&end=$3" | grep -v '^#' | head -1)
    listed=$(curl -fsS "${1%/*}/$variant")
    grep -q '^#EXT-X-ENDLIST' <<<"$listed"
    [ "$(grep -c '^#EXTINF' <<<"$listed")" -ge 3 ]
    for segment in $(grep -v '^#' <<<"$listed"); do
        curl -fsS -o /dev/null "$(dirname "${1%/*}/${variant%%\?*}")/$segment"
    done
    say "$(grep -c '^#EXTINF' <<<"$listed") segments of what was on, to watch again"
}

newest() { # newest <url>: the media sequence number of the newest segment
    local listed
    listed=$(playlist "$1")
    echo $(($(sed -n 's/^#EXT-X-MEDIA-SEQUENCE://p' <<<"$listed") + $(grep -c '^#EXTINF' <<<"$listed") - 1))
}

plays() { # plays <url> <number>: whether three segments later than that are listed, and can be fetched
    local listed segment
    listed=$(playlist "$1") || return 1
    [ "$(newest "$1")" -ge $(($2 + 3)) ] || return 1
    for segment in $(grep -v '^#' <<<"$listed" | tail -3); do
        curl -fsS -o /dev/null "${1%/*}/$segment" || return 1
    done
}

say "make a channel"
mediapackage create-channel --id "$NAME" --description "a user's day" --tags team=news >/dev/null
ARN=$(mediapackage describe-channel --id "$NAME" --query Arn)
mediapackage list-channels --page-size 1 --query 'Channels[].Arn' | grep -q "$ARN"
mediapackage tag-resource --resource-arn "$ARN" --tags tier=1
mediapackage untag-resource --resource-arn "$ARN" --tag-keys team
[ "$(mediapackage list-tags-for-resource --resource-arn "$ARN" --query Tags.tier)" = 1 ]
mediapackage configure-logs --id "$NAME" --ingress-access-logs '{}' --egress-access-logs '{}' >/dev/null
refused UnprocessableEntityException create-channel --id "$NAME"
refused NotFoundException describe-channel --id "$NAME-none"

say "make an origin endpoint"
URL=$(mediapackage create-origin-endpoint --id "$NAME-hls" --channel-id "$NAME" --manifest-name main \
    --startover-window-seconds 3600 --hls-package \
    "SegmentDurationSeconds=$SEGMENT,PlaylistWindowSeconds=60,ProgramDateTimeIntervalSeconds=10,AdMarkers=NONE" \
    --query Url)
[ "$(mediapackage describe-origin-endpoint --id "$NAME-hls" --query Url)" = "$URL" ]
[ "$(mediapackage list-origin-endpoints --channel-id "$NAME" --query 'OriginEndpoints[].Id')" = "$NAME-hls" ]
refused UnprocessableEntityException create-origin-endpoint --id "$NAME-dash" --channel-id "$NAME" \
    --dash-package SegmentDurationSeconds=2

say "start both encoders"
mapfile -t INPUTS < <(mediapackage describe-channel --id "$NAME" \
    --query 'HlsIngest.IngestEndpoints[].[Url,Username,Password,Id]')
read -r URL1 USER1 PASSWORD1 _ <<<"${INPUTS[0]}"
read -r URL2 USER2 PASSWORD2 ID2 <<<"${INPUTS[1]}"
start_encoder "$URL1" "$USER1" "$PASSWORD1"
start_encoder "$URL2" "$USER2" "$PASSWORD2"
until_it "$URL plays" plays "$URL" -1
BEGAN=$(($(date +%s) - 2 * SEGMENT))

say "change what is on the air"
[ "$(mediapackage update-origin-endpoint --id "$NAME-hls" --hls-package PlaylistWindowSeconds=30 \
    --query HlsPackage.SegmentDurationSeconds)" = $SEGMENT ]
mediapackage update-channel --id "$NAME" --description "on the air" >/dev/null

say "rotate the credentials of input 2"
ROTATED=$(mediapackage rotate-ingest-endpoint-credentials --id "$NAME" --ingest-endpoint-id "$ID2" \
    --query 'HlsIngest.IngestEndpoints[1].[Url,Username,Password]')
read -r NEW_URL2 NEW_USER2 NEW_PASSWORD2 <<<"$ROTATED"
[ "$NEW_URL2" = "$URL2" ]
[ "$NEW_PASSWORD2" != "$PASSWORD2" ]
kill -9 "${ENCODERS[1]}"
start_encoder "$NEW_URL2" "$NEW_USER2" "$NEW_PASSWORD2"
until_it "encoder 2 pushes with its new credentials" plays "$URL" "$(newest "$URL")"

say "encoder 1 fails"
kill -9 "${ENCODERS[0]}"
until_it "$URL goes on without encoder 1" plays "$URL" "$(newest "$URL")"

say "watch what was on"
watch_again "$URL" $BEGAN $(($(date +%s) - 4 * SEGMENT))

if [ -n "${BUCKET:-}" ]; then
    say "harvest it"
    mediapackage create-harvest-job --id "$NAME-$BEGAN" --origin-endpoint-id "$NAME-hls" \
        --start-time "$(date -u -d "@$BEGAN" +%FT%TZ)" --end-time "$(date -u -d "@$((BEGAN + 4 * SEGMENT))" +%FT%TZ)" \
        --s3-destination "BucketName=$BUCKET,ManifestKey=$NAME/$BEGAN/index.m3u8,RoleArn=arn:aws:iam::111122223333:role/h" \
        >/dev/null
    harvested() { [ "$(mediapackage describe-harvest-job --id "$NAME-$BEGAN" --query Status)" = SUCCEEDED ]; }
    until_it "it is harvested" harvested
fi

say "clean up, first in the wrong order"
refused UnprocessableEntityException delete-channel --id "$NAME"
mediapackage delete-origin-endpoint --id "$NAME-hls"
mediapackage delete-channel --id "$NAME"
refused NotFoundException describe-channel --id "$NAME"
say "a good day"
