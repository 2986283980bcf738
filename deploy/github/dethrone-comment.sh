#!/usr/bin/env bash
# .github/dethrone-comment.sh; see docs/AUTOMATION.md
# Writes a comment into pull request $NUMBER: anew where one with the same first line is there, else another.
set -euo pipefail
file=$1
export MARK
MARK=$(head -n 1 "$file")
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
id=$(gh api --paginate "$comments" --jq '.[] | select(.body | startswith(env.MARK)) | .id' | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$file" > /dev/null
else
  gh api --method POST "$comments" --field "body=@$file" > /dev/null
fi
