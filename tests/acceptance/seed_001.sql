-- List all workspaces
SELECT id, "displayName" FROM core."workspace" WHERE "deletedAt" IS NULL;

-- Check current feature flags for your workspace
SELECT key, value
FROM core."featureFlag"
WHERE "workspaceId" = 'YOUR_WORKSPACE_ID';

-- Replace 'YOUR_WORKSPACE_ID' with your actual workspace ID

-- Enable AI (CRITICAL)
INSERT INTO core."featureFlag" ("id", "key", "workspaceId", "value")
VALUES (gen_random_uuid(), 'IS_AI_ENABLED', 'YOUR_WORKSPACE_ID', true)
ON CONFLICT ("key", "workspaceId") DO UPDATE SET value = true;

-- Enable Dashboard Layouts
INSERT INTO core."featureFlag" ("id", "key", "workspaceId", "value")
VALUES (gen_random_uuid(), 'IS_PAGE_LAYOUT_ENABLED', 'YOUR_WORKSPACE_ID', true)
ON CONFLICT ("key", "workspaceId") DO UPDATE SET value = true;

-- Enable Record Page Layouts
INSERT INTO core."featureFlag" ("id", "key", "workspaceId", "value")
VALUES (gen_random_uuid(), 'IS_RECORD_PAGE_LAYOUT_ENABLED', 'YOUR_WORKSPACE_ID', true)
ON CONFLICT ("key", "workspaceId") DO UPDATE SET value = true;

-- Enable Dashboard V2
INSERT INTO core."featureFlag" ("id", "key", "workspaceId", "value")
VALUES (gen_random_uuid(), 'IS_DASHBOARD_V2_ENABLED', 'YOUR_WORKSPACE_ID', true)
ON CONFLICT ("key", "workspaceId") DO UPDATE SET value = true;

-- Enable Workflow If/Else Conditionals
INSERT INTO core."featureFlag" ("id", "key", "workspaceId", "value")
VALUES (gen_random_uuid(), 'IS_IF_ELSE_ENABLED', 'YOUR_WORKSPACE_ID', true)
ON CONFLICT ("key", "workspaceId") DO UPDATE SET value = true;

-- Enable Workflow Run Stoppage
INSERT INTO core."featureFlag" ("id", "key", "workspaceId", "value")
VALUES (gen_random_uuid(), 'IS_WORKFLOW_RUN_STOPPAGE_ENABLED', 'YOUR_WORKSPACE_ID', true)
ON CONFLICT ("key", "workspaceId") DO UPDATE SET value = true;

-- Enable Row-Level Permission Predicates
INSERT INTO core."featureFlag" ("id", "key", "workspaceId", "value")
VALUES (gen_random_uuid(), 'IS_ROW_LEVEL_PERMISSION_PREDICATES_ENABLED', 'YOUR_WORKSPACE_ID', true)
ON CONFLICT ("key", "workspaceId") DO UPDATE SET value = true;

-- Find roles in your workspace
SELECT r.id, r.name, r.label
FROM metadata."role" r
WHERE r."workspaceId" = 'YOUR_WORKSPACE_ID';

-- Check permission flags for a role
SELECT pf.key, pf.value
FROM metadata."permissionFlag" pf
WHERE pf."roleId" = 'YOUR_ROLE_ID';

SELECT
  ct.id,
  ct.title,
  ct."totalInputTokens",
  ct."totalOutputTokens",
  ct."totalInputCredits",
  ct."totalOutputCredits",
  ct."createdAt"
FROM metadata."agentChatThread" ct
WHERE ct."workspaceId" = 'YOUR_WORKSPACE_ID'
ORDER BY ct."createdAt" DESC
LIMIT 20;

SELECT
  e.id,
  e.score,
  e.comment,
  t."createdAt"
FROM metadata."agentTurnEvaluation" e
JOIN metadata."agentTurn" t ON t.id = e."turnId"
WHERE t."workspaceId" = 'YOUR_WORKSPACE_ID'
ORDER BY t."createdAt" DESC;
